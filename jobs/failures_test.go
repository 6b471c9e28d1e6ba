package jobs

import (
	"fmt"
	"testing"
)

func TestKilledTooOften(t *testing.T) {
	g := gridOf("w1", "w2")
	for name, trust := range map[string]Trust{"fixed": fixedTrust, "bound": {}, "own": {Replicas: 1}} {
		g.submit(name, trustSpec(1, trust))
		want := uint64(maxKilled)
		if trust.Fixed() {
			want-- // then one is left of five, which is no quorum
		}
		for i := range want {
			g.mustBe(t, name, JobRunning, "")
			g.run(name, 0, []string{"w1", "w2"}[i%2], "killed")
		}
		j := g.mustBe(t, name, JobFailed, fmt.Sprintf("task 0: %d attempts killed, the last: time limit", want))
		if j.Attempts != (AttemptCounts{Started: want, Killed: want, Extra: want - 1}) {
			t.Errorf("%s: counts %+v", name, j.Attempts)
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
	g.mustBe(t, "j", JobFailed, "task 0: 20 attempts ended without a result, the last: the worker was not heard of any more")
	if len(g.leases.attempts) != 0 || len(g.leases.byWorker) != 0 {
		t.Errorf("leases left: %v", g.leases.attempts)
	}
}
