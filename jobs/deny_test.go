package jobs

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

func (g *grid) deny(off bool, ids ...blob.ID) *Rejection {
	c := ChangeDenied{By: "op", Off: off, Why: "so"}
	for _, id := range ids {
		c.Keys = append(c.Keys, DenyKeyOf(id))
	}
	return g.apply(Command{ChangeDenied: &c}).Rejection
}

func TestWhatIsDeniedEnds(t *testing.T) {
	g := gridOf("w1")
	spec := rangeSpec(2)
	g.submit("reads", spec)
	spec.Bundle.ID = blob.ID{9}
	g.submit("other", spec)
	g.apply(Command{Keep: &KeepBlob{Blob: blob.Ref{ID: blob.ID{8}, Size: 1}, By: "sub", Room: 1 << 40}})
	lease := g.grant("other", 0, "w1", false)
	if r := g.deny(false, rangeSpec(2).Bundle.ID, blob.ID{8}, blob.ID{7}); r != nil {
		t.Fatal(r)
	}
	g.mustBe(t, "reads", JobFailed, "bundle: blob "+rangeSpec(2).Bundle.ID.Short()+" is on the grid's deny list")
	if len(g.Datasets) > 0 || g.DenyRevision != 1 || !g.Denies(blob.ID{7}) || g.Denies(blob.ID{6}) {
		t.Errorf("datasets %v, revision %d", g.Datasets, g.DenyRevision)
	}
	for name, c := range map[string]Command{
		"submit": {Submit: &SubmitJob{Job: "again", Spec: rangeSpec(2).WithDefaults(), Submitter: "sub"}},
		"keep":   {Keep: &KeepBlob{Blob: blob.Ref{ID: blob.ID{8}, Size: 1}, By: "sub", Room: 1 << 40}},
	} {
		if r := g.apply(c).Rejection; r == nil || r.Reason != "BLOB_DENIED" {
			t.Errorf("%s: %v", name, r)
		}
	}
	r := vote(lease, "w1", "x")
	r.Output.ID = blob.ID{7}
	g.apply(Command{Report: &ReportAttempts{Reports: []Report{r}}})
	wantStates(t, g.Jobs["other"].Open[0], AttemptLost)
	if r := g.deny(true, blob.ID{8}, blob.ID{6}); r != nil || g.DenyRevision != 2 || g.Denies(blob.ID{8}) {
		t.Errorf("taken off: %v, revision %d", r, g.DenyRevision)
	}
	if last := g.Record[len(g.Record)-1]; last.Act != ActDenied || last.Subject != "1 blob taken off it" || last.Why != "so" {
		t.Errorf("on the record is %+v", last)
	}
	if clone := g.Clone(); len(clone.Denied) != 2 || clone.DenyRevision != 2 {
		t.Errorf("a copy of the state denies %v", clone.Denied)
	}
}

// TestADeniedResultEndsItsJob: the bytes are to go, and the job would wait for them.
func TestADeniedResultEndsItsJob(t *testing.T) {
	g := gridOf("w1")
	g.submit("j", trustSpec(2, Trust{Replicas: 1}))
	r := vote(g.grant("j", 0, "w1", false), "w1", "x")
	g.apply(Command{Report: &ReportAttempts{Reports: []Report{r}}})
	g.deny(false, r.Output.ID)
	g.mustBe(t, "j", JobFailed, "task 0: its result is on the grid's deny list")
}

func TestDenyListsAreBounded(t *testing.T) {
	g := newGrid()
	for name, c := range map[string]ChangeDenied{
		"no key":     {Keys: []DenyKey{"x"}},
		"upper case": {Keys: []DenyKey{DenyKey(strings.ToUpper(string(DenyKeyOf(blob.ID{1}))))}},
		"long why":   {Why: strings.Repeat("x", MaxWhy+1)},
		"many":       {Keys: make([]DenyKey, MaxDenyChange+1)},
	} {
		if out := g.apply(Command{ChangeDenied: &c}); out.Rejection == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	for i := range MaxDenied {
		g.Denied[DenyKeyOf(blob.ID{byte(i), byte(i >> 8), byte(i >> 16), 1})] = &Denial{}
	}
	if r := g.deny(false, blob.ID{2}); r == nil || r.Reason != "DENY_LIST_FULL" {
		t.Errorf("one more: %v", r)
	}
}
