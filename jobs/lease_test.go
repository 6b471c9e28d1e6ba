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
		{"banned", Grant{Job: "j", Place: 1, Worker: "w4"}, false},
		{"out of order", Grant{Job: "j", Place: 2, Worker: "w1"}, false},
		{"no such task", Grant{Job: "j", Place: 3, Worker: "w1"}, false},
		{"far too high", Grant{Job: "j", Place: 1 << 31, Worker: "w1"}, false},
		{"lease id taken", Grant{Job: "j", Worker: "w2", Lease: first}, false},
		{"it is at it already", Grant{Job: "j", Worker: "w1"}, false},
		{"it is at it already, repeat", Grant{Job: "j", Worker: "w1", Repeat: true}, false},
		{"next task", Grant{Job: "j", Place: 1, Worker: "w1"}, true},
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
	g.gone("w2")
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
	if len(j.Reason) > MaxFailure+20 || len(j.Reasons[0]) != MaxFailure {
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
		ids = append(ids, g.grant("j", Place(i), w, false))
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
