package jobs

import (
	"fmt"
	"testing"
	"time"
)

// TestSleepsOfOneOwnerFailNoTask, though others who took over were silent as well.
func TestSleepsOfOneOwnerFailNoTask(t *testing.T) {
	g := gridOf("w1")
	for i := range 2 * maxLost {
		g.admit(Worker, fmt.Sprint("laptop", i), "bob")
	}
	g.submit("fixed", rangeSpec(1))
	g.submit("own", trustSpec(1, Trust{Replicas: 1}))
	for i := range 2 * maxLost {
		for _, job := range []string{"fixed", "own"} {
			g.grant(job, 0, fmt.Sprint("laptop", i), true)
		}
		g.pass(90 * time.Second)
		g.expire()
	}
	for _, job := range []string{"fixed", "own"} {
		j := g.mustBe(t, job, JobRunning, "")
		if b := count(j.Open[0].Attempts); b.lost != 1 {
			t.Errorf("%s: the silences of one owner count as %d losses", job, b.lost)
		}
	}
}

// TestSilenceOfManyOwnersFailsATask: it is thought to be what brings workers down.
func TestSilenceOfManyOwnersFailsATask(t *testing.T) {
	g := gridOf()
	g.submit("j", trustSpec(1, Trust{Replicas: 1}))
	for i := range maxLost {
		w := fmt.Sprint("w", i)
		g.admit(Worker, w, "owner-"+w)
		g.mustBe(t, "j", JobRunning, "")
		g.grant("j", 0, w, false)
		g.pass(time.Minute)
		g.expire()
	}
	g.giveUp("j", "w0", "w1")
	g.mustBe(t, "j", JobFailed, "20 attempts ended without a result")
	if len(g.silent.attempts) != 0 {
		t.Errorf("%v may be given back after the end of the job", g.silent.attempts)
	}
}

// TestALeaseOfTheSilentIsNobodyElses: neither a report nor its number serves another.
func TestALeaseOfTheSilentIsNobodyElses(t *testing.T) {
	g := gridOf("w1", "w2")
	g.submit("j", trustSpec(2, Trust{Replicas: 1}))
	id := g.grant("j", 0, "w1", false)
	g.pass(time.Minute)
	g.expire()
	g.report(vote(id, "w2", "a"))
	wantStates(t, g.Jobs["j"].Open[0], AttemptSilent)
	out := g.apply(Command{Grant: &GrantLeases{Grants: []Grant{{Lease: id, Job: "j", Place: 1, Worker: "w2"}}, Expires: g.clock + 1}})
	if len(out.Granted) > 0 {
		t.Error("its number was given out again")
	}
	if c := (&Command{Renew: &RenewLeases{Gone: []LeaseID{id}}}).Version(); c != VersionInput {
		t.Errorf("replicas of version %d are to read that a lease is gone", c)
	}
}

// TestStarvedAttemptsAreNotKeptForEver: they fail no task, so that nothing else ends them.
func TestStarvedAttemptsAreNotKeptForEver(t *testing.T) {
	g := gridOf("w1", "w2")
	g.submit("j", trustSpec(1, Trust{Replicas: 1}))
	for range 100 {
		for _, w := range []string{"w1", "w2"} {
			g.run("j", 0, w, "starved")
		}
	}
	j := g.mustBe(t, "j", JobRunning, "")
	if n := len(j.Open[0].Attempts); n != 2*maxOwnerLost || j.Attempts.Returned != 200 {
		t.Errorf("%d attempts are kept of %d", n, j.Attempts.Returned)
	}
	g.run("j", 0, "w1", "a")
	g.confirm("c1", "j", 0)
	g.mustBe(t, "j", JobSucceeded, "")
}
