package jobs

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

// readers are the nodes that may read a blob, in order.
func (g *grid) readers(name string) string {
	var list []string
	for _, id := range slices.Sorted(maps.Keys(g.Nodes)) {
		if g.MayRead(id, fakeRef(name).ID) {
			list = append(list, string(id))
		}
	}
	return strings.Join(list, " ")
}

func (g *grid) submitAs(node, job string, blobs ...string) {
	spec := rangeSpec(2)
	spec.Bundle = fakeRef(blobs[0])
	for _, b := range blobs[1:] {
		spec.Data = append(spec.Data, DataFile{Name: b, Blob: fakeRef(b)})
	}
	if r := g.apply(Command{Submit: &SubmitJob{Job: JobID(job), Spec: spec, Submitter: NodeID(node)}}).Rejection; r != nil {
		panic(r.Error())
	}
}

func (g *grid) proves(p ProvenBlobs, blobs ...string) {
	for _, b := range blobs {
		p.Blobs = append(p.Blobs, fakeRef(b).ID)
	}
	g.apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Proven: []ProvenBlobs{p}}})
}

func TestWhoMayReadWhatJobsName(t *testing.T) {
	g := gridOf("w1", "w2")
	g.admit(Submitter, "eve", "eve")
	g.admit(Submitter, "ann2", "ann")
	expect := func(when, blob, want string) {
		t.Helper()
		if got := g.readers(blob); got != want {
			t.Errorf("%s: %s is read by %q, want %q", when, blob, got, want)
		}
	}
	expect("before", "a", "c1 op")
	g.submitAs("sub", "j", "a", "b")
	expect("named, and not proved", "a", "c1 op")
	g.proves(ProvenBlobs{Job: "j"}, "a", "b")
	expect("proved", "a", "ann2 c1 op sub")
	g.grant("j", 0, "w1", false)
	expect("leased", "b", "ann2 c1 op sub w1")

	// Eve has learnt the ids, and names them; a guess at a result is no better.
	g.submitAs("eve", "e", "own", "a", "b", "guess")
	g.proves(ProvenBlobs{Job: "e"}, "own")
	expect("named by eve", "a", "ann2 c1 op sub w1")
	expect("guessed", "guess", "c1 op")
	expect("her own", "own", "c1 eve op")
	if got := len(g.Jobs["e"].Unproven); got != 3 {
		t.Errorf("%d blobs are to be proved", got)
	}
	g.submitAs("eve", "e2", "own", "a")
	if got := g.Jobs["e2"].Unproven; !slices.Equal(got, []blob.ID{fakeRef("a").ID}) {
		t.Errorf("of a further job %v are to be proved", got)
	}
	g.submitAs("ann2", "j2", "a", "b")
	if len(g.Jobs["j2"].Unproven) != 0 {
		t.Error("what an owner may read has to be proved again")
	}
	g.apply(Command{Cancel: &CancelJob{Job: "j", By: "sub"}})
	expect("when the job is over", "b", "ann2 c1 op sub")
	g.apply(Command{BanOwner: &BanOwner{Owner: "ann", By: "op"}})
	expect("when its owner is banned", "b", "c1 op")
}

func TestWhoMayReadDatasets(t *testing.T) {
	g := gridOf("w1")
	g.admit(Submitter, "eve", "eve")
	keep := func(node string, size int64) {
		ref := fakeRef("data")
		ref.Size = size
		if r := g.apply(Command{Keep: &KeepBlob{Blob: ref, By: NodeID(node), Room: 1 << 40}}).Rejection; r != nil {
			t.Fatalf("%s: %v", node, r)
		}
	}
	ref := fakeRef("data")
	d := func() *Dataset { return g.Datasets[ref.ID] }
	keep("sub", ref.Size)
	g.proves(ProvenBlobs{Owner: "ann"}, "data")
	g.apply(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Sizes: []blob.Ref{ref}, Blobs: []blob.ID{ref.ID}}})
	if got := g.readers("data"); got != "c1 op sub" || d().Copies() != 1 {
		t.Fatalf("it is read by %q", got)
	}
	keep("eve", 999) // that it is there, and how large, must not show
	keep("eve", ref.Size)
	if got := g.readers("data"); got != "c1 op sub" {
		t.Errorf("claimed by eve it is read by %q", got)
	}
	if len(d().Providers()) != 0 {
		t.Errorf("whoever claims is asked for it: %v", d().Providers())
	}
	keep("sub", ref.Size)
	if d().Claims[0].Unproven {
		t.Error("a claim that is renewed has to be proved again")
	}
	g.pass(claimTime)
	g.apply(Command{Expire: &ExpireLeases{}})
	if len(d().Claims) != 1 {
		t.Errorf("a claim that is not proved stays: %+v", d().Claims)
	}
}

func TestWhoMayReadWhatIsShared(t *testing.T) {
	g := gridOf("w1")
	g.admit(Submitter, "eve", "eve")
	ref := fakeRef("data")
	share := func(node string, with OwnerID, stop bool) *Rejection {
		return g.apply(Command{Share: &ShareBlob{Blob: ref.ID, By: NodeID(node), With: with, Stop: stop}}).Rejection
	}
	g.apply(Command{Keep: &KeepBlob{Blob: ref, By: "sub", Room: 1 << 40}})
	if r := share("sub", "eve", false); r == nil || r.Reason != "UNKNOWN_BLOB" {
		t.Errorf("what is not proved is shared: %v", r)
	}
	g.proves(ProvenBlobs{Owner: "ann"}, "data")
	for _, step := range []struct {
		by   string
		with OwnerID
		stop bool
		want string // reason, or readers
	}{
		{"eve", "eve", false, "UNKNOWN_BLOB"},
		{"sub", "eve", true, "NOT_SHARED"},
		{"sub", "", false, "INVALID_FIELD"},
		{"sub", "eve", false, "c1 eve op sub"},
		{"sub", Everybody, false, "c1 eve op sub w1"},
		{"sub", "eve", true, "c1 eve op sub w1"},
		{"sub", Everybody, true, "c1 op sub"},
	} {
		got := ""
		if r := share(step.by, step.with, step.stop); r != nil {
			got = r.Reason
		} else {
			got = g.readers("data")
		}
		if got != step.want {
			t.Errorf("%+v: %s", step, got)
		}
	}
	share("sub", "eve", false)
	g.submitAs("eve", "e", "data")
	share("sub", "eve", true)
	if got := g.readers("data"); got != "c1 eve op sub" || len(g.Jobs["e"].Unproven) != 0 {
		t.Errorf("a job has named it meanwhile, and it is read by %q", got)
	}
}
