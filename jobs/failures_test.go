package jobs

import (
	"fmt"
	"testing"
	"time"
)

// Who asks again and again is told in the end that it does not work.
func TestKilledTooOften(t *testing.T) {
	g := gridOf("w1", "w2")
	for name, trust := range map[string]Trust{"fixed": fixedTrust, "bound": {}, "own": {Replicas: 1}} {
		g.submit(name, trustSpec(1, trust))
		for i := range maxKilled {
			g.giveUp(name, "w1", "w2")
			g.mustBe(t, name, JobRunning, "")
			g.pass(time.Hour) // they rest
			g.run(name, 0, []string{"w1", "w2"}[i%2], "killed")
		}
		g.giveUp(name, "w1", "w2")
		j := g.mustBe(t, name, JobFailed, fmt.Sprintf("task 0: %d attempts killed, the last: time limit", maxKilled))
		if j.Attempts != (AttemptCounts{Started: maxKilled, Killed: maxKilled, Extra: maxKilled - 1}) {
			t.Errorf("%s: counts %+v", name, j.Attempts)
		}
	}
}

// A program that never works is not run on all of a million inputs.
func TestAJobOfWhichNothingSucceedsEnds(t *testing.T) {
	g := gridOf("w1", "w2")
	g.submit("j", rangeSpec(1000))
	for place := range Place(enoughFailed) {
		g.mustBe(t, "j", JobRunning, "")
		g.run("j", place, "w1", "!3")
		g.run("j", place, "w2", "!3")
	}
	g.mustBe(t, "j", JobFailed, "16 of 1000 tasks have failed, and allow_failed is 0; the first is task 0: exit code 3")
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
		g.gone("w1")
	}
	if g.Forlorn(g.Jobs["j"], nodeIDs([]string{"w1", "w2"})) != nil {
		t.Error("who has not tried it is not asked any more")
	}
	for range maxOwnerLost {
		g.run("j", 0, "w2", "lost")
	}
	g.giveUp("j", "w1", "w2")
	g.pass(time.Minute)
	g.gone("w2")
	g.run("j", 1, "w2", "a")
	g.run("j", 1, "w1", "a")
	g.confirm("c1", "j", 1)
	g.mustBe(t, "j", JobFailed, "task 0: 23 attempts ended without a result, the last: disk full")
	if len(g.leases.attempts) != 0 || len(g.leases.byWorker) != 0 {
		t.Errorf("leases left: %v", g.leases.attempts)
	}
}
