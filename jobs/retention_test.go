package jobs

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const day = 24 * time.Hour

// sweep forgets what the leader finds overdue.
func (g *grid) sweep() Forget {
	c := g.Overdue(g.clock)
	g.apply(Command{Forget: &c})
	return c
}

// over has a job that is finished.
func (g *grid) over(job string, spec Spec) *Job {
	g.submit(job, spec)
	for place := range Place(spec.Input.Tasks()) {
		g.run(job, place, "w1", "x")
		g.confirm("c1", job, place)
	}
	return g.Jobs[JobID(job)]
}

var alone = Trust{Replicas: 1}

func TestFinishedJobsGoWhenTheirTimeIsOver(t *testing.T) {
	g := gridOf("w1")
	g.over("usual", trustSpec(2, alone))
	short, long := trustSpec(2, alone), trustSpec(2, alone)
	short.Retain, long.Retain = day, 100*day
	g.over("short", short)
	g.over("long", long)
	g.submit("runs", rangeSpec(1))
	for _, step := range []struct {
		after time.Duration
		gone  []JobID
	}{{day - time.Millisecond, nil}, {time.Millisecond, []JobID{"short"}}, {28 * day, nil}, {day, []JobID{"usual"}}, {70 * day, []JobID{"long"}}} {
		g.pass(step.after)
		if c := g.sweep(); !slices.Equal(c.Jobs, step.gone) {
			t.Errorf("after %v more: forgot %v, want %v", step.after, c.Jobs, step.gone)
		}
	}
	if len(g.Jobs) != 1 || g.Account("ann")[ItemKept] != 1 || g.Account("ann")[ItemResults] != 0 {
		t.Errorf("%d jobs are left, account %v", len(g.Jobs), g.Account("ann"))
	}
	if o := g.Owners["owner-w1"]; o.Agreed != 6 || o.Credit != 6 {
		t.Errorf("the worker's owner lost what it earned: %+v", o)
	}
}

// TestNobodyForgetsWhatIsNotOver: the leader's word is looked at again.
func TestNobodyForgetsWhatIsNotOver(t *testing.T) {
	g := gridOf("w1")
	g.over("done", trustSpec(1, alone))
	g.submit("runs", rangeSpec(1))
	g.apply(Command{Forget: &Forget{Jobs: []JobID{"done", "runs", "nosuch"}, Tokens: []TokenID{"token-for-w1"}, Nodes: []NodeID{"w1", "sub", "op", "c1"}}})
	if len(g.Jobs) != 2 || len(g.Tokens) != 2 || len(g.Nodes) != 4 {
		t.Errorf("%d jobs, %d tokens, %d nodes are left", len(g.Jobs), len(g.Tokens), len(g.Nodes))
	}
}

func TestOwnersRemoveTheirJobs(t *testing.T) {
	g := gridOf("w1")
	g.admit(Submitter, "eve", "eve")
	remove := func(by NodeID, job JobID) Outcome {
		return g.apply(Command{Forget: &Forget{By: by, Jobs: []JobID{job}}})
	}
	g.over("a", trustSpec(2, alone))
	g.over("b", trustSpec(2, alone))
	g.submit("runs", rangeSpec(1))
	wantRejected(t, remove("eve", "a"), "NOT_YOUR_JOB")
	wantRejected(t, remove("sub", "runs"), "JOB_RUNNING")
	wantRejected(t, remove("sub", "nosuch"), "UNKNOWN_JOB")
	wantRejected(t, remove("sub", "a"), "")
	wantRejected(t, remove("op", "b"), "")
	if len(g.Jobs) != 1 {
		t.Errorf("%d jobs are left", len(g.Jobs))
	}
	if out := g.submit("a", rangeSpec(1)); out.Rejection != nil {
		t.Errorf("the name of a job that was removed: %v", out.Rejection)
	}
}

func TestResultsOfCancelledJobsGoAtOnce(t *testing.T) {
	g := gridOf("w1")
	g.submit("j", trustSpec(5, alone))
	g.run("j", 0, "w1", "result")
	g.confirm("c1", "j", 0)
	if n := g.Account("ann")[ItemResults]; n != 6 {
		t.Fatalf("its results count %d", n)
	}
	g.apply(Command{Cancel: &CancelJob{Job: "j", By: "sub"}})
	j := g.Jobs["j"]
	if n := g.Account("ann")[ItemResults]; n != 0 || !j.Released || g.Holds(j, 0, "c1") {
		t.Errorf("cancelled, its results count %d; released: %v; held: %v", n, j.Released, g.Holds(j, 0, "c1"))
	}
	if r := g.Inspect(j, 0); r.Verdict != "accepted" {
		t.Errorf("of its first task it says %q", r.Verdict)
	}
}

// TestNodesGoThatNothingRefersTo, and their numbers to others.
func TestNodesGoThatNothingRefersTo(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	long := trustSpec(1, alone)
	long.Retain = 200 * day
	g.over("long", long) // by w1, which w2 and w3 might have been asked about
	g.pass(10 * day)
	g.apply(Command{See: &SeeNodes{Nodes: []NodeID{"w2", "nobody"}}})
	for range 9 {
		g.pass(10 * day)
		g.apply(Command{See: &SeeNodes{Nodes: []NodeID{"w3", "sub", "c1", "op"}}})
		g.sweep()
	}
	if len(g.Nodes) != 6 {
		t.Errorf("a job is kept of when they were here, and %d nodes are left", len(g.Nodes))
	}
	g.apply(Command{Forget: &Forget{By: "sub", Jobs: []JobID{"long"}}})
	c := g.sweep()
	if slices.Sort(c.Nodes); !slices.Equal(c.Nodes, []NodeID{"w1", "w2"}) || g.Nodes["w1"] != nil || g.crew != 1 {
		t.Errorf("forgot %v; %d owners have workers", c.Nodes, g.crew)
	}
	if g.Owners["owner-w2"] != nil || g.Owners["owner-w1"] == nil {
		t.Errorf("owners %v: of the second there was nothing to know, and the first has credit", sortedKeys(g.Owners))
	}
	g.admit(Worker, "w4", "new")
	if g.Nodes["w4"].Number != 1 || len(g.Numbered) != 3 {
		t.Errorf("the next worker has number %d of %v", g.Nodes["w4"].Number, g.Numbered)
	}
	fresh := g.Clone()
	fresh.Reindex()
	if fresh.crew != g.crew || fresh.liarsToFear() != g.liarsToFear() {
		t.Errorf("%d owners have workers, counted anew %d", g.crew, fresh.crew)
	}
}

func TestWhoWasThrownOutIsNotForgotten(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.apply(Command{BanOwner: &BanOwner{Owner: "owner-w1", By: "op"}})
	g.apply(Command{EndNode: &EndNode{Node: "w2", By: "op", Revoke: true}})
	g.apply(Command{EndNode: &EndNode{Node: "w3", By: "op"}})
	g.pass(100 * day)
	if g.sweep(); g.Nodes["w1"] == nil || g.Nodes["w2"] == nil || g.Nodes["w3"] != nil || g.Nodes["op"] == nil || g.Nodes["c1"] == nil {
		t.Errorf("left are %v", sortedKeys(g.Nodes))
	}
}

func TestTokensGoSomeTimeAfterTheyExpire(t *testing.T) {
	g := gridOf("w1") // tokens that expire at once
	g.pass(6 * day)
	wantRejected(t, g.apply(Command{Admit: &AdmitNode{Token: "token-for-w1", Node: "w9", Role: Worker}}), "TOKEN_EXPIRED")
	if g.sweep(); len(g.Tokens) != 2 {
		t.Errorf("%d tokens are left", len(g.Tokens))
	}
	g.pass(2 * day)
	if g.sweep(); len(g.Tokens) != 0 {
		t.Errorf("%d tokens are left", len(g.Tokens))
	}
}

// TestNobodyIsForgottenForWantOfNotesByOlderRules, which noted nobody.
func TestNobodyIsForgottenForWantOfNotesByOlderRules(t *testing.T) {
	g := oldGrid()
	g.admit(Worker, "w1", "o")
	g.pass(300 * day)
	g.expire() // the state's time
	g.apply(Command{Raise: &RaiseVersion{Version: LastVersion}})
	if c := g.Overdue(g.clock); len(c.Nodes) != 0 {
		t.Errorf("overdue: %v", c.Nodes)
	}
	g.pass(91 * day)
	if c := g.Overdue(g.clock); len(c.Nodes) != 1 {
		t.Errorf("overdue, unseen since: %v", c.Nodes)
	}
}

// TestForgottenJobsTakeNothing: a state that had a thousand jobs is as small as one that
// never had any.
func TestForgottenJobsTakeNothing(t *testing.T) {
	size := func(n int) int {
		g := gridOf("w1")
		for i := range n {
			id := fmt.Sprint("j", i)
			spec := trustSpec(3, alone)
			spec.Args = []string{"some", "args"}
			g.apply(Command{Request: RequestID(fmt.Sprint("sub/", i)), Submit: &SubmitJob{Job: JobID(id), Spec: spec, Submitter: "sub"}})
			g.run(id, 0, "w1", "x")
			g.run(id, 1, "w1", "!1")
			g.apply(Command{Cancel: &CancelJob{Job: JobID(id), By: "sub"}})
			if i%2 == 0 {
				g.apply(Command{Forget: &Forget{By: "sub", Jobs: []JobID{JobID(id)}}})
			}
		}
		g.pass(31 * day)
		for len(g.sweep().Jobs) > 0 {
		}
		g.expire() // requests are forgotten as time goes by
		if len(g.Jobs)+len(g.accounts)+len(g.Answered) != 0 {
			t.Errorf("of %d jobs %d are left, accounts %v, %d answers", n, len(g.Jobs), g.accounts, len(g.Answered))
		}
		return len(dump(t, g.Clone()))
	}
	if none, many := size(0), size(1000); many > none+20 { // digits of what the worker has earned
		t.Errorf("%d bytes, and %d where there were no jobs", many, none)
	}
}

// TestForgettingKeepsWhatMustHold, whatever happens before and after: what owners have
// earned, indexes and accounts as they are made from nothing, and replicas that apply the
// same commands with and without a snapshot between.
func TestForgettingKeepsWhatMustHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newTrusting(t)
		m.do(Command{Raise: &RaiseVersion{Version: LastVersion}})
		steps := []func(*rapid.T){
			m.reportAll, m.reportAny, m.reportAny, m.confirmAll, m.confirmAll, m.grantAny, m.grantAny, m.submitMore, m.submitMore, m.askEverybody,
			m.concedeAny, m.expireAny, m.joinAny, m.cancelAny, m.accuseAny, m.missAny, m.forgetAny, m.forgetAny, m.forgetAny,
		}
		for range rapid.IntRange(10, 100).Draw(t, "steps") {
			rapid.SampledFrom(steps).Draw(t, "step")(t)
			for _, id := range sortedKeys(m.Jobs) {
				checkOrder(t, id, m.Jobs[id])
				checkFailures(t, id, m.Jobs[id])
				m.checkHeld(t, id, m.Jobs[id])
				m.checkOpen(t, id, m.Jobs[id])
			}
			m.checkBanned(t)
			m.checkRecords(t)
			m.checkIndex(t)
		}
		m.checkReplay(t)
	})
}
