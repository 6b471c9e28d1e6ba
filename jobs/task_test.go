package jobs

import "testing"

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
			if got := NewState().MayAttempt(test.job, test.task, NodeID(test.worker), "o", repeat); got != want {
				t.Errorf("%s, repeat %v: %v", test.name, repeat, got)
			}
		}
		if !NewState().MayAttempt(test.job, test.task, "x", "another", false) {
			t.Errorf("%s: another owner may not", test.name)
		}
	}
}
