package jobs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoOwnerExceedsItsAccount, whatever happens: not by votes that wait for others, nor
// by results that replace others, nor by the last vote of several.
func TestNoOwnerExceedsItsAccount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newTrusting(t)
		m.do(Command{Raise: &RaiseVersion{Version: LastVersion}})
		m.do(Command{SetOwner: &SetOwner{By: "op", Owner: "ann", Set: Terms{
			ItemRunning: rapid.Int64Range(0, 3).Draw(t, "running"), ItemKept: rapid.Int64Range(1, 6).Draw(t, "kept"),
			ItemTasks: rapid.Int64Range(1, 40).Draw(t, "tasks"), ItemResults: rapid.Int64Range(0, 60).Draw(t, "results"),
			ItemSpecs: rapid.Int64Range(1000, 6000).Draw(t, "specs"), ItemRequests: rapid.Int64Range(0, 5).Draw(t, "requests"),
			ItemDatasets: rapid.Int64Range(0, 20).Draw(t, "datasets"),
		}}})
		steps := []func(*rapid.T){
			m.reportAll, m.reportAny, m.reportAny, m.confirmAll, m.grantAny, m.grantAny, m.submitMore, m.submitMore, m.askEverybody,
			m.concedeAny, m.expireAny, m.joinAny, m.cancelAny, m.accuseAny, m.keepAny, m.missAny,
		}
		for range rapid.IntRange(10, 100).Draw(t, "steps") {
			rapid.SampledFrom(steps).Draw(t, "step")(t)
			m.checkAccounts(t)
		}
		m.checkReplay(t)
	})
}

// checkAccounts: nobody has more than its terms allow, and what may still come is a part
// of it.
func (m *trusting) checkAccounts(t *rapid.T) {
	for id := range m.Owners {
		a := m.Account(id)
		for _, item := range Items() {
			if a[item] > m.Term(id, item) || a[item] < 0 {
				t.Fatalf("%s has %d of %v, and may have %d", id, a[item], item, m.Term(id, item))
			}
		}
		if r := m.Reserved(id); r < 0 || a[ItemResults]+r > m.Term(id, ItemResults) {
			t.Fatalf("%s: %d reserved beside %d of %d", id, r, a[ItemResults], m.Term(id, ItemResults))
		}
	}
}

// submitMore asks for a job by a request.
func (m *trusting) submitMore(t *rapid.T) {
	spec := trustSpec(rapid.Int64Range(1, 12).Draw(t, "tasks"), rapid.SampledFrom([]Trust{{MaxError: One / 20}, {Replicas: 1}, {Quorum: 2}}).Draw(t, "trust"))
	spec.Args = []string{strings.Repeat("x", rapid.IntRange(0, 3000).Draw(t, "args"))}
	allowAny(t, &spec)
	id := len(m.log)
	m.do(Command{Request: RequestID(fmt.Sprint("sub/", id)), Submit: &SubmitJob{Job: JobID(fmt.Sprint("j", id)), Spec: spec, Submitter: "sub"}})
}

// keepAny claims or drops a dataset.
func (m *trusting) keepAny(t *rapid.T) {
	ref := fakeRef(rapid.SampledFrom([]string{"a", "some data", "quite some more data"}).Draw(t, "data"))
	if rapid.Bool().Draw(t, "drop") {
		m.do(Command{Drop: &DropBlob{Blob: ref.ID, By: "sub"}})
		return
	}
	m.do(Command{Keep: &KeepBlob{Blob: ref, By: "sub", Room: 1 << 30}})
}

// missAny says of a job's results that they are nowhere to be had.
func (m *trusting) missAny(t *rapid.T) {
	id := m.anyJob(t)
	if j := m.Jobs[id]; j != nil && len(j.Order) > 0 {
		seq := rapid.IntRange(0, len(j.Order)-1).Draw(t, "which")
		m.do(Command{Confirm: &ConfirmHeld{Coordinator: "c1", Missing: []HeldResults{{Job: id, Sequences: []Sequence{Sequence(seq)}}}}})
	}
}

func setTerms(g *grid, owner OwnerID, terms Terms) Outcome {
	return g.apply(Command{SetOwner: &SetOwner{By: "op", Owner: owner, Set: terms}})
}

func TestAccountsSayWhatIsFullAndWhatToDo(t *testing.T) {
	g := gridOf("w1")
	setTerms(g, "ann", Terms{ItemRunning: 2, ItemTasks: 10})
	g.submit("a", rangeSpec(4))
	wantRejected(t, g.submit("big", rangeSpec(7)), "ACCOUNT_TASKS")
	g.submit("b", rangeSpec(1))
	out := g.submit("c", rangeSpec(1))
	wantRejected(t, out, "ACCOUNT_JOBS")
	if r := out.Rejection; r.Code != Exhausted || r.Message != "it has 2 jobs that run, and may have 2: 1 more do not fit" ||
		!strings.Contains(r.Next, "anthill cancel JOB") || !strings.Contains(r.Next, "anthill owner set ann --jobs N") {
		t.Errorf("%q, next: %q", r.Message, r.Next)
	}
	g.apply(Command{Cancel: &CancelJob{Job: "b", By: "sub"}})
	if out := g.submit("c", rangeSpec(1)); out.Rejection != nil {
		t.Errorf("after a cancel: %v", out.Rejection)
	}
}

// TestMadeUpResultsStopAtTheAccount: an owner's own worker, which computes nothing, says
// that its results are large.
func TestMadeUpResultsStopAtTheAccount(t *testing.T) {
	g := gridOf("w1", "w2")
	setTerms(g, "ann", Terms{ItemResults: 25})
	g.submit("j", trustSpec(9, Trust{Replicas: 1}))
	for place := range Place(9) {
		g.run("j", place, "w1", "ten bytes.")
	}
	j := g.Jobs["j"]
	if a := g.Account("ann"); a[ItemResults] != 20 || j.Accepted() != 2 || g.HasRoom(j) || g.Reserved("ann") != 5 {
		t.Fatalf("account %v, %d accepted, room: %v, %d reserved", a, j.Accepted(), g.HasRoom(j), g.Reserved("ann"))
	}
	if id := g.grant("j", 2, "w2", false); id != 0 {
		t.Error("its tasks are given out in vain")
	}
	if r := g.Nodes["w1"].Reliability; r != One {
		t.Errorf("the worker is blamed: %v", r)
	}
	wantRejected(t, g.submit("k", rangeSpec(1)), "")
	setTerms(g, "ann", Terms{ItemResults: 90})
	for place := Place(2); place < 9; place++ {
		g.run("j", place, "w2", "ten bytes.")
	}
	if j.Accepted() != 9 || g.Account("ann")[ItemResults] != 90 {
		t.Errorf("with more room: %d accepted, account %v", j.Accepted(), g.Account("ann"))
	}
	wantRejected(t, g.submit("l", rangeSpec(1)), "ACCOUNT_RESULTS")
}

// TestNobodyMakesTheGridForgetTheRequestsOfOthers.
func TestNobodyMakesTheGridForgetTheRequestsOfOthers(t *testing.T) {
	g := gridOf("w1")
	setTerms(g, "ann", Terms{ItemRequests: 3})
	g.admit(Submitter, "sue", "bob")
	submit := func(node NodeID, n int) Outcome {
		return g.apply(Command{Request: RequestID(fmt.Sprint(node, "/", n)), Submit: &SubmitJob{Job: JobID(fmt.Sprint(node, n)), Spec: rangeSpec(1), Submitter: node}})
	}
	submit("sue", 0)
	for i := range 3 {
		submit("sub", i)
	}
	wantRejected(t, submit("sub", 3), "ACCOUNT_REQUESTS")
	if out := g.apply(Command{Request: "sub/cancel", Cancel: &CancelJob{Job: "sub0", By: "sub"}}); out.Rejection != nil {
		t.Errorf("a cancel: %v", out.Rejection)
	}
	if out := submit("sue", 0); out.Job != "sue0" || out.Rejection != nil || len(g.Answered) != 4 {
		t.Errorf("a repeated request of another owner: %+v; %d are remembered", out, len(g.Answered))
	}
	g.pass(requestMemory + time.Second)
	if out := submit("sub", 4); out.Rejection != nil {
		t.Errorf("an hour later: %v", out.Rejection)
	}
}

func TestWhoSetsTermsAndWhich(t *testing.T) {
	g := gridOf("w1")
	set := func(by NodeID, owner OwnerID, terms Terms) Outcome {
		return g.apply(Command{SetOwner: &SetOwner{By: by, Owner: owner, Set: terms}})
	}
	wantRejected(t, set("sub", "ann", Terms{ItemRunning: 9}), "NOT_AN_OPERATOR")
	wantRejected(t, set("op", "eve", Terms{ItemRunning: 9}), "UNKNOWN_OWNER")
	for _, bad := range []Terms{{0: 1}, {itemEnd: 1}, {ItemRunning: -1}, {ItemWeight: 0}, {ItemWeight: MaxWeight + 1}} {
		wantRejected(t, set("op", "ann", bad), "INVALID_FIELD")
	}
	set("op", "", Terms{ItemRunning: 7, ItemKept: 70})
	set("op", "ann", Terms{ItemRunning: 9})
	if got := [4]int64{g.Term("ann", ItemRunning), g.Term("ann", ItemKept), g.Term("owner-w1", ItemRunning), g.Term("ann", ItemTasks)}; got != [4]int64{9, 70, 7, MaxTasks} {
		t.Errorf("terms %v", got)
	}
	g.apply(Command{SetOwner: &SetOwner{By: "op", Owner: "ann", Usual: []Item{ItemRunning}}})
	g.apply(Command{SetOwner: &SetOwner{By: "op", Usual: []Item{ItemRunning, ItemKept}}})
	if g.Term("ann", ItemRunning) != 500 || g.Terms != nil || g.Owners["ann"].Terms != nil {
		t.Errorf("terms %v and %v are left", g.Terms, g.Owners["ann"].Terms)
	}
}

// TestOldRulesKnowNoAccounts: replicas of the version before apply the same log.
func TestOldRulesKnowNoAccounts(t *testing.T) {
	g := oldGrid()
	g.admit(Submitter, "sub", "ann")
	wantRejected(t, setTerms(g, "ann", Terms{ItemRunning: 0}), "OLD_COORDINATORS")
	for i := range 501 {
		if out := g.submit(fmt.Sprint("j", i), rangeSpec(1)); out.Rejection != nil {
			t.Fatal(out.Rejection)
		}
	}
}
