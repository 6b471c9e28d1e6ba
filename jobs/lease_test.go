package jobs

import (
	"strings"
	"testing"
	"time"
)

func TestGrantIsCheckedAgain(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4")
	g.submit("j", rangeSpec(3))
	g.submit("done", rangeSpec(3))
	g.apply(Command{Cancel: &CancelJob{Job: "done", By: "sub"}})
	g.Owners["owner-w4"].Banned = "lied"
	first := g.grant("j", 0, "w1", false)
	for _, test := range []struct {
		name   string
		grant  Grant
		accept bool
	}{
		{"unknown job", Grant{Job: "x", Worker: "w1"}, false},
		{"finished job", Grant{Job: "done", Worker: "w1"}, false},
		{"unknown worker", Grant{Job: "j", Worker: "x"}, false},
		{"not a worker", Grant{Job: "j", Worker: "sub"}, false},
		{"banned", Grant{Job: "j", Task: 1, Worker: "w4"}, false},
		{"out of order", Grant{Job: "j", Task: 2, Worker: "w1"}, false},
		{"no such task", Grant{Job: "j", Task: 3, Worker: "w1"}, false},
		{"far too high", Grant{Job: "j", Task: 1 << 31, Worker: "w1"}, false},
		{"lease id taken", Grant{Job: "j", Worker: "w2", Lease: first}, false},
		{"he is at it", Grant{Job: "j", Worker: "w1"}, false},
		{"he is at it, repeat", Grant{Job: "j", Worker: "w1", Repeat: true}, false},
		{"next task", Grant{Job: "j", Task: 1, Worker: "w1"}, true},
		{"second opinion", Grant{Job: "j", Worker: "w2"}, true},
		{"enough are at it", Grant{Job: "j", Worker: "w3"}, false},
	} {
		if test.grant.Lease == 0 {
			g.lastLease++
			test.grant.Lease = g.lastLease
		}
		out := g.apply(Command{Grant: &GrantLeases{Grants: []Grant{test.grant}, Expires: g.clock + 1}})
		if (len(out.Granted) == 1) != test.accept {
			t.Errorf("%s: granted %v, want %v", test.name, out.Granted, test.accept)
		}
	}
	if n := g.Jobs["j"].Attempts.Started; n != 3 {
		t.Errorf("%d attempts started, want 3", n)
	}
}

func TestMayAttempt(t *testing.T) {
	attempts := func(states ...AttemptState) *Task {
		task := &Task{}
		for _, s := range states {
			task.Attempts = append(task.Attempts, Attempt{Worker: "w", Owner: "o", State: s})
		}
		return task
	}
	const running, voted, killed, lost, void, outvoted = AttemptRunning, AttemptVoted, AttemptKilled, AttemptLost, AttemptVoid, AttemptOutvoted
	fixed, bound := &Job{Spec: rangeSpec(1)}, &Job{Spec: boundSpec(1, DefaultMaxError)}
	for _, test := range []struct {
		name         string
		job          *Job
		task         *Task
		worker       string
		once, repeat bool
	}{
		{"untouched", fixed, attempts(), "w", true, true},
		{"running", fixed, attempts(running), "w", false, false},
		{"running on the owner's other node", fixed, attempts(running), "v", false, true},
		{"running on the owner's other node", bound, attempts(running), "v", false, false},
		{"voted", fixed, attempts(voted), "w", false, false},
		{"the owner's other node voted", fixed, attempts(voted), "v", false, true},
		{"the owner's other node voted", bound, attempts(voted), "v", false, false},
		{"outvoted", fixed, attempts(outvoted), "w", false, false},
		{"the owner's other node was outvoted", fixed, attempts(outvoted), "v", false, true},
		{"the owner's other node was outvoted", bound, attempts(outvoted), "v", false, false},
		{"killed", bound, attempts(killed), "w", false, true},
		{"lost", bound, attempts(lost), "w", true, true},
		{"lost twice", bound, attempts(lost, lost), "v", true, true},
		{"lost thrice", bound, attempts(lost, lost, lost), "w", false, true},
		{"lost, then voted", bound, attempts(lost, voted), "w", false, false},
		{"void", bound, attempts(void, void, void), "w", true, true},
	} {
		for repeat, want := range map[bool]bool{false: test.once, true: test.repeat} {
			if got := test.job.MayAttempt(test.task, NodeID(test.worker), "o", repeat); got != want {
				t.Errorf("%s, repeat %v: %v", test.name, repeat, got)
			}
		}
		if !test.job.MayAttempt(test.task, "x", "another", false) {
			t.Errorf("%s: another owner may not", test.name)
		}
	}
}

// One broken or ill-willed worker must not make a job fail.
func TestOneLoserCannotFailAJob(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(1))
	losses := 0
	for range 100 {
		if id := g.grant("j", 0, "w1", false); id != 0 {
			g.report(vote(id, "w1", "lost"))
			losses++
		}
	}
	if losses != maxOwnerLost {
		t.Errorf("lost %d times, want %d", losses, maxOwnerLost)
	}
	g.run("j", 0, "w2", "a")
	g.run("j", 0, "w3", "a")
	g.confirm("c1", "j", 0)
	g.mustBe(t, "j", JobSucceeded, "")
}

func TestReportsThatAreTooLateOrNotHis(t *testing.T) {
	g := gridOf("w1", "w2")
	g.submit("j", rangeSpec(1))
	id := g.grant("j", 0, "w1", false)
	nameless := vote(id, "w1", "a")
	nameless.Output = fakeRef("")
	g.report(vote(id, "w2", "a"), vote(99, "w1", "a"), nameless)
	wantStates(t, g.Jobs["j"].Open[0], AttemptRunning)

	g.report(vote(id, "w1", "a"), vote(id, "w1", "b"))
	g.report(vote(id, "w1", "b"))
	task := g.Jobs["j"].Open[0]
	wantStates(t, task, AttemptVoted)
	if task.Attempts[0].Vote.Output != fakeRef("a") {
		t.Errorf("vote %+v, want the first", task.Attempts[0].Vote)
	}
	other := g.grant("j", 0, "w2", false)
	g.pass(time.Minute)
	g.expire()
	g.report(vote(other, "w2", "a"))
	wantStates(t, task, AttemptVoted, AttemptLost)
	if c := g.Jobs["j"].Attempts; c != (AttemptCounts{Started: 2, Lost: 1, Extra: 1}) {
		t.Errorf("counts %+v", c)
	}
}

// TestMoreFuelThanTheLimitIsNoVote, whatever it is said to have come to.
func TestMoreFuelThanTheLimitIsNoVote(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4")
	spec := rangeSpec(1)
	spec.Limits.Fuel = 100
	g.submit("j", spec)
	g.run("j", 0, "w1", "a@101")
	g.run("j", 0, "w2", "!254@18446744073709551615")
	g.run("j", 0, "w3", "killed@101") // says nothing
	g.run("j", 0, "w4", "a@100")
	task := g.Jobs["j"].Open[0]
	wantStates(t, task, AttemptLost, AttemptLost, AttemptKilled, AttemptVoted)
	if why := task.Attempts[0].Reason; !strings.Contains(why, "more fuel") {
		t.Errorf("the reason is %q", why)
	}
}

// TestALargerOutputThanTheLimitIsNoVote: coordinators would copy it.
func TestALargerOutputThanTheLimitIsNoVote(t *testing.T) {
	g := gridOf("w1", "w2")
	spec := rangeSpec(1)
	spec.Limits.Output = 3
	g.submit("j", spec)
	g.run("j", 0, "w1", "four")
	g.run("j", 0, "w2", "yes")
	task := g.Jobs["j"].Open[0]
	wantStates(t, task, AttemptLost, AttemptVoted)
	if why := task.Attempts[0].Reason; !strings.Contains(why, "larger output") {
		t.Errorf("the reason is %q", why)
	}
}

func TestReasonsAndTrafficAreBounded(t *testing.T) {
	g := gridOf("w1", "w2")
	g.submit("j", rangeSpec(1))
	for _, w := range []string{"w1", "w2"} {
		r := vote(g.grant("j", 0, w, false), w, "!1")
		r.Reason = strings.Repeat("x", 10*MaxReason)
		r.Fetched = Traffic{FromSubmitter: -5, FromWorkers: 1<<63 - 1, FromCoordinators: 7}
		g.report(r)
	}
	j := g.mustBe(t, "j", JobFailed, "task 0: xxx")
	if len(j.Reason) > MaxReason+20 {
		t.Errorf("the reason has %d bytes", len(j.Reason))
	}
	if want := (Traffic{FromCoordinators: 14, FromWorkers: 1<<63 - 1}); j.Fetched != want {
		t.Errorf("fetched %+v, want %+v", j.Fetched, want)
	}
}

func TestLeasesEnd(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(3))
	var ids []LeaseID
	for i, w := range []string{"w1", "w2", "w3"} {
		ids = append(ids, g.grant("j", uint32(i), w, false))
	}
	g.pass(leaseTime - time.Millisecond)
	if g.AnyExpired(g.clock) {
		t.Error("a lease ends too early")
	}
	g.apply(Command{Renew: &RenewLeases{Leases: []LeaseID{ids[1], 999}, Expires: g.clock.Add(leaseTime)}})
	g.apply(Command{Renew: &RenewLeases{Leases: []LeaseID{ids[1]}, Expires: 1}}) // never shorter
	g.pass(time.Millisecond)
	if !g.AnyExpired(g.clock) {
		t.Error("no lease ends")
	}
	g.expire()
	for i, held := range []bool{false, true, false} {
		if _, worker, ok := g.Lease(ids[i]); ok != held || held && worker != "w2" {
			t.Errorf("lease of w%d: held %v", i+1, ok)
		}
	}
	again := g.grant("j", 0, "w2", false)
	g.apply(Command{Renew: &RenewLeases{All: true, Expires: g.clock.Add(time.Hour)}})
	g.pass(time.Hour - time.Millisecond)
	g.expire()
	for _, id := range []LeaseID{again, ids[1]} {
		if _, _, ok := g.Lease(id); !ok {
			t.Errorf("lease %d ended in spite of renewal of all", id)
		}
	}
	if c := g.Jobs["j"].Attempts; c.Lost != 2 || c.Started != 4 || g.Jobs["j"].Running() != 2 {
		t.Errorf("counts %+v", c)
	}
}

func TestExpiryFailsATaskThatBringsWorkersDown(t *testing.T) {
	g := gridOf("w1", "w2")
	g.submit("j", rangeSpec(2))
	for i := range maxLost {
		if g.grant("j", 0, "w1", true) == 0 {
			t.Fatalf("no lease after %d losses", i)
		}
		if i == 0 {
			g.grant("j", 1, "w2", true) // a lease of the same job, which ends with it
		}
		g.pass(leaseTime)
		g.expire()
	}
	g.mustBe(t, "j", JobFailed, "task 0: 20 attempts ended without a result, the last: the worker was not heard of any more")
	if len(g.leases) != 0 || len(g.byWorker) != 0 {
		t.Errorf("leases left: %v", g.leases)
	}
}

// lie makes a worker's votes on fresh tasks be outvoted by w1 and w2.
func lie(g *grid, liar string, from, n uint32) {
	for task := from; task < from+n; task++ {
		g.run("j", task, liar, "wrong")
		g.run("j", task, "w1", "right")
		g.run("j", task, "w2", "right")
	}
}

func TestBanVoidsVotesAndLeases(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(10))
	g.submit("other", rangeSpec(10))
	lie(g, "w3", 0, 2)
	if g.banned("owner-w3") {
		t.Fatal("banned for two lies")
	}
	g.run("j", 2, "w3", "wrong")
	g.grant("j", 3, "w3", false)
	g.run("j", 4, "w3", "killed")
	g.run("j", 5, "w3", "wrong")
	g.run("j", 5, "w1", "right")
	g.grant("other", 0, "w3", false)
	g.run("j", 2, "w1", "right")
	g.run("j", 2, "w2", "right")

	if why := g.BannedNode("w3"); why != "3 of 3 results outvoted" {
		t.Fatalf("banned: %q", why)
	}
	if n := len(g.LeasesOf("w3")); n != 0 {
		t.Errorf("w3 still holds %d leases", n)
	}
	j := g.Jobs["j"]
	wantStates(t, j.Open[3], AttemptVoid)
	wantStates(t, j.Open[4], AttemptVoid)
	wantStates(t, j.Open[5], AttemptVoid, AttemptVoted)
	wantStates(t, g.Jobs["other"].Open[0], AttemptVoid)
	if j.Open[5].Disputed {
		t.Error("task 5 is disputed by a void vote")
	}
	if e := j.Events[len(j.Events)-1]; e.Kind != EventBanned || e.Owner != "owner-w3" {
		t.Errorf("last event %+v", e)
	}
	for task := uint32(0); task < 3; task++ {
		if j.Closed[task].Output != fakeRef("right") {
			t.Errorf("task %d: %v accepted", task, j.Closed[task].Output)
		}
	}
	if o := g.Owners["owner-w3"]; o.Outvoted != 3 || o.Agreed != 0 {
		t.Errorf("record %+v", o)
	}
}

// The banned owner's attempt may have been the last that was awaited: with no
// other to come, nothing else would ever judge the task again.
func TestBanSettlesWhatIsHopelessNow(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4", "w5", "w6")
	g.submit("j", rangeSpec(10))
	spec := rangeSpec(1)
	spec.Trust = Trust{Replicas: 3, Quorum: 3, MaxAttempts: 5}
	g.submit("hopeless", spec)
	for _, w := range []string{"w3", "w1", "w2"} {
		g.grant("hopeless", 0, w, false)
	}
	g.report(vote(g.lease("hopeless", 0, "w1"), "w1", "a"), vote(g.lease("hopeless", 0, "w2"), "w2", "b"))
	g.run("hopeless", 0, "w4", "c")
	g.run("hopeless", 0, "w5", "d")
	g.mustBe(t, "hopeless", JobRunning, "")
	lie(g, "w3", 0, 3)
	g.mustBe(t, "hopeless", JobFailed, "task 0: 4 different results in 4 attempts")
}

func TestStrayMismatchDoesNotBan(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(100))
	for task := range uint32(30) {
		g.run("j", task, "w3", "right")
		g.run("j", task, "w1", "right")
	}
	lie(g, "w3", 30, 3)
	if g.banned("owner-w3") {
		t.Error("banned for 3 of 33")
	}
	lie(g, "w3", 33, 1)
	if why := g.BannedNode("w3"); why != "4 of 34 results outvoted" {
		t.Errorf("banned: %q", why)
	}
}
