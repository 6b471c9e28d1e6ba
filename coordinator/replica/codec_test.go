package replica

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

func someSpec() jobs.Spec {
	index := blob.Ref{ID: blob.ID{3}, Size: 24}
	return jobs.Spec{
		Name: "wc", Bundle: blob.Ref{ID: blob.ID{1}, Size: 100}, Args: []string{"-x", ""}, Env: map[string]string{"B": "2", "A": "1"},
		Input: jobs.Input{Blob: &jobs.BlobInput{Blob: blob.Ref{ID: blob.ID{2}, Size: 1 << 36}, Index: &index}},
		Data:  []jobs.DataFile{{Name: "d", Blob: blob.Ref{ID: blob.ID{4}, Size: 1}}},
	}.WithDefaults()
}

// everyCommand has each kind of command once, with all fields set.
func everyCommand() []jobs.Command {
	ref := blob.Ref{ID: blob.ID{9}, Size: 7}
	return []jobs.Command{
		{At: 1, Found: &jobs.FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op", Saboteurs: 5}},
		{At: 2, Request: "r", CreateToken: &jobs.CreateToken{Token: "t", Role: jobs.Worker, Expires: 9, Uses: 3, Owner: "o", Prior: 6}},
		{At: 3, Admit: &jobs.AdmitNode{Token: "t", Node: "w1", Role: jobs.Worker, Address: "h:1"}},
		{At: 4, Submit: &jobs.SubmitJob{Job: "j", Spec: someSpec(), Submitter: "op", Provider: "h:2", Seed: 1 << 63}},
		{At: 5, Cancel: &jobs.CancelJob{Job: "j", By: "op"}},
		{At: 6, Grant: &jobs.GrantLeases{Grants: []jobs.Grant{{Lease: 1 << 63, Job: "j", Place: 1 << 31, Worker: "w1", Repeat: true}}, Expires: 8}},
		{At: 7, Renew: &jobs.RenewLeases{Leases: []jobs.LeaseID{1, 2}, All: true, Expires: 8}},
		{At: 7, Renew: &jobs.RenewLeases{Workers: []jobs.WorkerHeard{{Worker: 1, Unnamed: []jobs.LeaseID{1}}, {Worker: 2}}, Expires: 8}},
		{At: 8, Expire: &jobs.ExpireLeases{}},
		{At: 9, Report: &jobs.ReportAttempts{Reports: []jobs.Report{{
			Lease: 1, Worker: "w1", Status: jobs.Crashed, ExitCode: 3, Output: ref, Reason: "why", Fuel: 1 << 63,
			Fetched: jobs.Traffic{FromSubmitter: 1, FromCoordinators: 2, FromWorkers: 3},
		}}}},
		{At: 10, Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Lost: true, Missing: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{3}}}}},
		{At: 10, Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Slow: true, Away: []jobs.NodeID{"c2"}}},
		{At: 10, Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{1, 2}}}, Inputs: []jobs.JobID{"j"}, Blobs: []blob.ID{{8}}, Refused: []jobs.RefusedJob{{Job: "k", Reason: "r"}}, Sizes: []blob.Ref{ref}}},
		{At: 11, Concede: &jobs.ConcedeJob{Job: "j"}},
		{At: 11, Concede: &jobs.ConcedeJob{Job: "j", Tasks: []jobs.Place{3}}},
		{At: 12, Accuse: &jobs.AccusePeers{By: "w1", Proof: &blob.Misserved{Served: blob.Served{Blob: blob.ID{1}, Piece: 2, Hash: [32]byte{3}, Receiver: "w1", At: 4, Key: []byte{5}, Signature: []byte{6}}, Manifest: []byte{7}}}},
		{At: 12, Accuse: &jobs.AccusePeers{By: "w1", Nodes: []jobs.NodeID{"w2"}}},
		{At: 13, Keep: &jobs.KeepBlob{Blob: ref, Name: "corpus", By: "op", Provider: "h:3", Room: 1 << 40}},
		{At: 14, Drop: &jobs.DropBlob{Blob: ref.ID, By: "op"}},
		{At: 15, Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}},
		{At: 16, Move: &jobs.MoveNode{Node: "c1", Address: "h:1", Moves: 3}},
		{At: 16, Compare: &jobs.CompareStates{Part: 2, Parts: 3}},
		{At: 16, RevokeToken: &jobs.RevokeToken{Token: "t", By: "op", Why: "why"}},
		{At: 16, EndNode: &jobs.EndNode{Node: "c1", By: "op", Revoke: true, Coordinator: true, Why: "why"}},
		{At: 16, BanOwner: &jobs.BanOwner{Owner: "o", By: "op", Why: "why", Lift: true}},
		{At: 16, Share: &jobs.ShareBlob{Blob: ref.ID, By: "op", With: "o", Stop: true}},
		{At: 16, ChangeDenied: &jobs.ChangeDenied{Keys: []jobs.DenyKey{jobs.DenyKeyOf(ref.ID)}, Off: true, By: "op", Why: "why"}},
		{At: 16, Runtime: &jobs.NameRuntime{Name: "python", Blob: ref.ID, By: "op"}},
		{At: 16, Forget: &jobs.Forget{By: "op", Jobs: []jobs.JobID{"j"}, Tokens: []jobs.TokenID{"t"}, Nodes: []jobs.NodeID{"w1"}}},
		{At: 16, See: &jobs.SeeNodes{Nodes: []jobs.NodeID{"w1"}}},
		{At: 16, Dismiss: &jobs.DismissCoordinators{Nodes: []jobs.NodeID{"c1"}, By: "c2"}},
		{At: 16, Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Lacked: []jobs.LackedInput{{Job: "j", What: "3 of 12 pieces"}}, Found: []jobs.JobID{"k"}}},
		{At: 16, Away: &jobs.NoteAway{Away: []jobs.NodeID{"c1"}, Back: []jobs.NodeID{"c2"}}},
		{At: 16, See: &jobs.SeeNodes{Nodes: []jobs.NodeID{"w1"}, Certified: []jobs.NodeID{"w2"}, Authority: 3}},
		{At: 16, CreateToken: &jobs.CreateToken{Token: "t", Role: jobs.Worker, Expires: 9, Uses: 3, Authority: 3}},
		{At: 16, Admit: &jobs.AdmitNode{Token: "t", Node: "w1", Role: jobs.Worker, Authority: 3}},
		{At: 16, Rotate: &jobs.RotateAuthority{Step: jobs.FinishRotation, By: "op", Present: []byte{1}, Next: []byte{2}, Number: 3, Force: true, Why: "why"}},
		{At: 16, SetOwner: &jobs.SetOwner{By: "op", Owner: "o", Set: jobs.Terms{jobs.ItemRunning: 7}, Usual: []jobs.Item{jobs.ItemResults}}},
	}
}

func TestCommandsRoundTrip(t *testing.T) {
	kinds := map[int]bool{}
	for _, c := range everyCommand() {
		data, err := EncodeCommand(c, jobs.LastVersion)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeCommand(data)
		if err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%+v came back as %+v, %v", c, back, err)
		}
		v := reflect.ValueOf(c)
		for i := range v.NumField() {
			if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
				kinds[i] = true
			}
		}
	}
	if n := reflect.TypeFor[jobs.Command]().NumField() - 2; len(kinds) != n {
		t.Errorf("%d kinds of commands tried, of %d", len(kinds), n)
	}
}

func TestDecodingIsStrict(t *testing.T) {
	good, err := EncodeCommand(everyCommand()[7], jobs.LastVersion)
	if err != nil {
		t.Fatal(err)
	}
	raw := func(v any) []byte {
		data, err := cbor.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte{newest}, data...)
	}
	for _, test := range []struct {
		name string
		data []byte
		says string
	}{
		{"empty", nil, "unknown encoding version"},
		{"an older version", append([]byte{oldest - 1}, good[1:]...), "an older version of Anthill wrote it"},
		{"a newer version", append([]byte{newest + 1}, good[1:]...), "upgrade this coordinator"},
		{"cut off", good[:len(good)-1], "EOF"},
		{"trailing bytes", append(bytes.Clone(good), 0), "extraneous data"},
		{"unknown field", raw(map[int]any{1: 5, 18: map[int]any{}, 99: 1}), "unknown field"},
		{"unknown field, and why", raw(map[int]any{1: 5, 18: map[int]any{}, 99: 1}), "this coordinator is older"},
		{"unknown field inside", raw(map[int]any{1: 5, 14: map[int]any{1: "j", 2: "op", 3: 1}}), "unknown field"},
		{"field twice", []byte{newest, 0xa2, 1, 5, 1, 6}, "duplicate"},
		{"another type", raw(map[int]any{1: "now"}), "cannot unmarshal"},
		{"short blob id", raw(map[int]any{13: map[int]any{2: map[int]any{2: map[int]any{1: []byte{1, 2}}}}}), "blob id"},
	} {
		_, err := DecodeCommand(test.data)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.says)
		}
	}
	if _, err := DecodeCommand(nil); !errors.Is(err, errVersion) {
		t.Errorf("error %v", err)
	}
}

// What Propose accepts, every replica must be able to read.
func TestStrangeTextIsNoReasonToHalt(t *testing.T) {
	c := jobs.Command{Cancel: &jobs.CancelJob{Job: "\xff\xfe\x00", By: jobs.NodeID(strings.Repeat("x", 1<<20))}}
	data, err := EncodeCommand(c, jobs.LastVersion)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := DecodeCommand(data); err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("%v", err)
	}
}

// The size of a batch in the log: a regression here brings Propose to refuse it.
func TestLargeBatchesFitIntoAnEntry(t *testing.T) {
	var grants jobs.GrantLeases
	for i := range 2000 {
		grants.Grants = append(grants.Grants, jobs.Grant{
			Lease: 1<<63 + jobs.LeaseID(i), Job: jobs.JobID(strings.Repeat("j", 31)), Place: 10_000_000, Worker: jobs.NodeID(strings.Repeat("w", 32)), Repeat: true,
		})
	}
	var reports jobs.ReportAttempts
	for weight := 0; ; {
		reports.Reports = append(reports.Reports, jobs.Report{
			Lease: 1 << 63, Worker: grants.Grants[0].Worker, Status: jobs.Crashed, ExitCode: 1 << 31, Output: blob.Ref{Size: 1 << 40},
			Fuel: 1 << 63, Fetched: jobs.Traffic{FromSubmitter: 1 << 40, FromCoordinators: 1 << 40, FromWorkers: 1 << 40},
		})
		if weight += reports.Reports[0].Weight(); weight > jobs.MaxReportBytes {
			break
		}
	}
	for _, c := range []jobs.Command{{Grant: &grants}, {Report: &reports}} {
		c.At = jobs.TimeOf(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC))
		if data, err := EncodeCommand(c, jobs.LastVersion); err != nil || len(data) > MaxCommand {
			t.Errorf("%d bytes, at most %d may be, %v", len(data), MaxCommand, err)
		}
	}
}

func TestSnapshotsAreStrict(t *testing.T) {
	var b bytes.Buffer
	if err := encodeSnapshot(&b, &snapshot{Index: 7, State: jobs.NewState()}); err != nil {
		t.Fatal(err)
	}
	if s, err := decodeSnapshot(bytes.NewReader(b.Bytes())); err != nil || s.Index != 7 {
		t.Errorf("%+v, %v", s, err)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "older": {oldest - 1, 0xa0}, "newer": {newest + 1, 0xa0}, "cut off": b.Bytes()[:b.Len()-1], "no state": {newest, 0xa1, 1, 7},
	} {
		if err := newFSM().Restore(io.NopCloser(bytes.NewReader(data))); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
}

// The encoding's versions, as the first byte of entries and snapshots has them.
const oldest, newest = byte(jobs.FirstVersion), byte(jobs.LastVersion)
