package replica

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/raft"
	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// author writes a random but sensible log: what it writes next depends on the
// state that its own replica is in.
type author struct {
	fsm   *fsm
	log   []*raft.Log
	now   jobs.Time
	lease jobs.LeaseID
}

func newAuthor(t testing.TB) *author {
	a := &author{fsm: newFSM(), now: 1000}
	a.write(t, jobs.Command{Found: &jobs.FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	for _, n := range []struct {
		id    string
		role  jobs.Role
		owner jobs.OwnerID
	}{{"c2", jobs.Coordinator, ""}, {"w1", jobs.Worker, "a"}, {"w2", jobs.Worker, "a"}, {"w3", jobs.Worker, "b"}, {"w4", jobs.Worker, ""}, {"sue", jobs.Submitter, "sue"}, {"tom", jobs.Submitter, "tom"}} {
		token := jobs.TokenID("token of " + n.id)
		a.write(t, jobs.Command{CreateToken: &jobs.CreateToken{Token: token, Role: n.role, Uses: 1, Expires: 1 << 40, Owner: n.owner}})
		a.write(t, jobs.Command{Request: jobs.RequestID(n.id), Admit: &jobs.AdmitNode{Token: token, Node: jobs.NodeID(n.id), Role: n.role}})
	}
	return a
}

type fataler interface{ Fatal(args ...any) }

func (a *author) write(t fataler, c jobs.Command) jobs.Outcome {
	c.At = a.now
	data, err := EncodeCommand(c, jobs.LastVersion)
	if err != nil {
		t.Fatal(err)
	}
	a.log = append(a.log, &raft.Log{Index: uint64(2*len(a.log) + 3), Data: data}) // raft's own entries lie between
	return a.fsm.Apply(a.log[len(a.log)-1]).(jobs.Outcome)
}

func (a *author) writeAny(t *rapid.T) {
	a.now += jobs.Time(rapid.IntRange(-5, 200_000).Draw(t, "ms"))
	job := jobs.JobID(rapid.SampledFrom([]string{"j1", "j2"}).Draw(t, "job"))
	switch rapid.IntRange(0, 13).Draw(t, "kind") {
	case 0:
		spec := someSpec()
		spec.Input = jobs.Input{Range: &jobs.Range{To: 5, Step: 1}}
		request := jobs.RequestID(rapid.SampledFrom([]string{"", "r1", "r2"}).Draw(t, "request"))
		a.write(t, jobs.Command{Request: request, Submit: &jobs.SubmitJob{Job: job, Spec: spec, Submitter: "op", Seed: 7}})
	case 1:
		a.write(t, jobs.Command{Request: "cancel " + jobs.RequestID(job), Cancel: &jobs.CancelJob{Job: job, By: "w1"}})
	case 2:
		a.write(t, jobs.Command{Expire: &jobs.ExpireLeases{}})
	case 3:
		a.write(t, jobs.Command{Renew: &jobs.RenewLeases{All: true, Expires: a.now + 300_000}})
	case 4:
		c := jobs.ConfirmHeld{Coordinator: "c1", Inputs: []jobs.JobID{job}, Results: []jobs.HeldResults{{Job: job, Sequences: []jobs.Sequence{0, 1, 2, 3, 4}}}}
		if rapid.Bool().Draw(t, "c2") {
			c.Coordinator = "c2"
		}
		a.write(t, jobs.Command{Confirm: &c})
	case 5:
		a.write(t, jobs.Command{Concede: &jobs.ConcedeJob{Job: job}})
	case 6, 7, 8:
		a.grantAny(t, job)
	case 9, 10, 11:
		a.keepAny(t)
	default:
		a.reportAny(t)
	}
}

// keepAny claims one of three blobs, drops it, or says that it is here.
func (a *author) keepAny(t *rapid.T) {
	ref := blob.Ref{ID: blob.ID{rapid.Uint8Range(7, 9).Draw(t, "blob")}, Size: rapid.Int64Range(1, 2).Draw(t, "size")}
	by := rapid.SampledFrom([]jobs.NodeID{"op", "sue", "tom"}).Draw(t, "by")
	switch rapid.IntRange(0, 5).Draw(t, "step") {
	case 0:
		a.write(t, jobs.Command{Drop: &jobs.DropBlob{Blob: ref.ID, By: by}})
	case 1:
		a.write(t, jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Sizes: []blob.Ref{ref}, Blobs: []blob.ID{ref.ID}}})
	case 2:
		a.now += 86_400_000 // what has not come in this day is dropped
		a.write(t, jobs.Command{Expire: &jobs.ExpireLeases{}})
	default:
		a.write(t, jobs.Command{Keep: &jobs.KeepBlob{Blob: ref, Name: "n", By: by, Provider: string(by) + ":1", Room: 10}})
	}
}

func (a *author) grantAny(t *rapid.T, job jobs.JobID) {
	var grants []jobs.Grant
	for _, w := range []jobs.NodeID{"w1", "w2", "w3", "w4"} {
		a.lease++
		place := jobs.Place(rapid.Uint32Range(0, 5).Draw(t, "place"))
		grants = append(grants, jobs.Grant{Lease: a.lease, Job: job, Place: place, Worker: w, Repeat: true})
	}
	a.write(t, jobs.Command{Grant: &jobs.GrantLeases{Grants: grants, Expires: a.now + 300_000}})
}

func (a *author) reportAny(t *rapid.T) {
	var reports []jobs.Report
	for _, w := range []jobs.NodeID{"w1", "w2", "w3", "w4"} {
		for _, id := range a.fsm.state.LeasesOf(w) {
			status := rapid.SampledFrom([]jobs.AttemptStatus{jobs.Succeeded, jobs.Succeeded, jobs.Succeeded, jobs.Crashed, jobs.Killed, jobs.Lost}).Draw(t, "status")
			r := jobs.Report{Lease: id, Worker: w, Status: status, Reason: "so", Output: blob.Ref{ID: blob.ID{1}}}
			if w == "w4" {
				r.Output.ID[0] = 2 // it lies
			}
			reports = append(reports, r)
		}
	}
	a.write(t, jobs.Command{Report: &jobs.ReportAttempts{Reports: reports}})
}

// TestSnapshotsKeepDatasets has all that is known of one come back.
func TestSnapshotsKeepDatasets(t *testing.T) {
	a := newAuthor(t)
	ref, lost := blob.Ref{ID: blob.ID{7}, Size: 1000}, blob.Ref{ID: blob.ID{8}, Size: 1}
	for _, c := range []jobs.Command{
		{Keep: &jobs.KeepBlob{Blob: ref, Name: "corpus", By: "sue", Provider: "s:1", Room: 1 << 30}},
		{Keep: &jobs.KeepBlob{Blob: ref, Name: "mine too", By: "tom", Provider: "t:1", Room: 1 << 30}},
		{Keep: &jobs.KeepBlob{Blob: lost, By: "tom", Room: 1 << 30}},
		{Confirm: &jobs.ConfirmHeld{Coordinator: "c2", Sizes: []blob.Ref{ref}, Blobs: []blob.ID{ref.ID}}},
	} {
		if r := a.write(t, c).Rejection; r != nil {
			t.Fatal(r)
		}
	}
	want := maps.Clone(a.fsm.state.Datasets)
	if k := want[ref.ID]; k == nil || !k.Known || k.Copies() != 1 || len(k.Claims) != 2 {
		t.Fatalf("%+v", k)
	}
	taken, err := a.fsm.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	back := restore(t, taken)
	if !reflect.DeepEqual(back.state.Datasets, want) {
		t.Errorf("%+v came back as %+v", want, back.state.Datasets)
	}
	drop := &author{fsm: back, now: a.now}
	for _, by := range []jobs.NodeID{"sue", "tom"} {
		if r := drop.write(t, jobs.Command{Drop: &jobs.DropBlob{Blob: ref.ID, By: by}}).Rejection; r != nil {
			t.Error(r)
		}
	}
	if len(back.state.Datasets) != 1 {
		t.Error("what is restored cannot be dropped")
	}
}

func hashOf(t fataler, f *fsm) string {
	h, err := Hash(f.state)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h)
}

// sink collects a snapshot.
type sink struct {
	bytes.Buffer
	cancelled bool
}

func (s *sink) ID() string    { return "test" }
func (s *sink) Close() error  { return nil }
func (s *sink) Cancel() error { s.cancelled = true; return nil }

// TestReplicasAgree: replicas that apply the same log have equal hashes, and so
// has one that starts from a snapshot taken anywhere on the way.
func TestReplicasAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := newAuthor(t)
		for range rapid.IntRange(1, 60).Draw(rt, "length") {
			a.writeAny(rt)
		}
		replayed, from := newFSM(), rapid.IntRange(0, len(a.log)).Draw(rt, "snapshot after")
		for _, entry := range a.log[:from] {
			replayed.Apply(entry)
		}
		taken, err := replayed.Snapshot()
		if err != nil {
			rt.Fatal(err)
		}
		plain, err := encoding.Marshal(&snapshot{Index: replayed.index, State: replayed.state.Clone()})
		if err != nil {
			rt.Fatal(err)
		}
		for _, entry := range a.log[from:] {
			replayed.Apply(entry)
		}
		// The snapshot is written only now: nothing of what came since is in it.
		var written sink
		if err := taken.Persist(&written); err != nil || !bytes.Equal(written.Bytes()[1:], plain) {
			rt.Fatalf("what was written piece by piece is not what the state encodes to: %v", err)
		}
		taken.Release()
		restored := newFSM()
		if err := restored.Restore(io.NopCloser(&written)); err != nil {
			rt.Fatal(err)
		}
		if from > 0 && restored.index != a.log[from-1].Index {
			rt.Fatalf("restored index %d, want %d", restored.index, a.log[from-1].Index)
		}
		for _, entry := range a.log[from:] {
			restored.Apply(entry)
		}
		want := hashOf(rt, a.fsm)
		if r, s := hashOf(rt, replayed), hashOf(rt, restored); r != want || s != want {
			rt.Fatalf("hash %s, replayed %s, restored %s", want, r, s)
		}
		if restored.index != a.fsm.index || replayed.index != a.fsm.index {
			rt.Fatalf("indices %d, %d, want %d", replayed.index, restored.index, a.fsm.index)
		}
	})
}

func restore(t fataler, s raft.FSMSnapshot) *fsm {
	var written sink
	if err := s.Persist(&written); err != nil {
		t.Fatal(err)
	}
	s.Release()
	f := newFSM()
	if err := f.Restore(io.NopCloser(&written)); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestHashSeesEveryChange(t *testing.T) {
	a := newAuthor(t)
	seen := map[string]bool{hashOf(t, a.fsm): true}
	for _, c := range everyCommand()[1:5] {
		a.now++
		a.write(t, c)
		if h := hashOf(t, a.fsm); seen[h] {
			t.Errorf("%+v does not change the hash", c)
		} else {
			seen[h] = true
		}
	}
}

func TestFSMHaltsAtWhatItDoesNotKnow(t *testing.T) {
	empty, err := EncodeCommand(jobs.Command{At: 1}, jobs.LastVersion)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"garbage":         {[]byte("garbage"), "log entry 7"},
		"newer version":   {append([]byte{newest + 1}, empty[1:]...), "upgrade this coordinator"},
		"older version":   {append([]byte{oldest - 1}, empty[1:]...), "an older version of Anthill wrote it"},
		"unknown command": {[]byte{newest, 0xa1, 0x18, 40, 0xa0}, "upgrade it"},
		"no command":      {empty, "upgrade this coordinator"},
	} {
		func() {
			defer func() {
				if why := fmt.Sprint(recover()); !strings.Contains(why, test.says) {
					t.Errorf("%s: panic %q, want %q", name, why, test.says)
				}
			}()
			newFSM().Apply(&raft.Log{Index: 7, Data: test.data})
		}()
	}
}

func TestChangesWakeThoseWhoWait(t *testing.T) {
	a := newAuthor(t)
	changed := a.fsm.watch()
	select {
	case <-changed:
		t.Fatal("woken before anything happened")
	default:
	}
	a.write(t, jobs.Command{Expire: &jobs.ExpireLeases{}})
	<-changed
	if a.fsm.applied() != a.log[len(a.log)-1].Index {
		t.Errorf("applied %d", a.fsm.applied())
	}
}

// full is a sink without room.
type full struct{ sink }

func (f *full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestFailedSnapshotIsCancelled(t *testing.T) {
	s, err := newAuthor(t).fsm.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	var f full
	if err := s.Persist(&f); err == nil || !f.cancelled {
		t.Errorf("error %v, cancelled %v", err, f.cancelled)
	}
}
