package jobs

import (
	"fmt"
	"strings"
	"testing"
)

// attemptsOf reads attempts: "a b" are votes for results, "!" a crash, "K"
// killed, "L" lost, "V" void, "O" outvoted, "." running.
func attemptsOf(script string) []Attempt {
	var list []Attempt
	for i, word := range strings.Fields(script) {
		a := Attempt{Lease: LeaseID(i), Worker: NodeID(fmt.Sprint("w", i)), Reason: "reason " + fmt.Sprint(i)}
		switch word {
		case ".":
			a.State = AttemptRunning
		case "K":
			a.State = AttemptKilled
		case "L":
			a.State = AttemptLost
		case "V":
			a.State, a.Vote = AttemptVoid, Vote{Output: fakeRef("a")}
		case "O":
			a.State, a.Vote = AttemptOutvoted, Vote{Output: fakeRef("a")}
		case "!":
			a.State, a.Vote = AttemptVoted, Vote{Failed: true, ExitCode: 1}
		default:
			a.State, a.Vote = AttemptVoted, Vote{Output: fakeRef(word)}
		}
		list = append(list, a)
	}
	return list
}

func TestJudge(t *testing.T) {
	fixed := Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5}
	lazy := Trust{Replicas: 1, Quorum: 2, MaxAttempts: 5}
	eager := Trust{Replicas: 3, Quorum: 2, MaxAttempts: 5}
	three := Trust{Replicas: 3, Quorum: 3, MaxAttempts: 5}
	tests := []struct {
		trust    Trust
		attempts string
		kind     VerdictKind
		want     int    // further attempts
		says     string // output agreed on, or the reason
	}{
		// starting
		{fixed, "", Pending, 2, ""},
		{fixed, ".", Pending, 1, ""},
		{fixed, ". .", Pending, 0, ""},
		{lazy, "", Pending, 1, ""},
		{lazy, "a", Pending, 1, ""},
		{eager, ". .", Pending, 1, ""},
		{eager, "a . .", Pending, 0, ""},
		{eager, "a .", Pending, 0, ""}, // one more vote may be enough
		// agreeing
		{fixed, "a .", Pending, 0, ""},
		{fixed, "a a", Agreed, 0, "a"},
		{fixed, "a b a", Agreed, 0, "a"},
		{fixed, "a b b .", Agreed, 0, "b"},
		{fixed, "a K a", Agreed, 0, "a"},
		{three, "a a", Pending, 1, ""},
		// disputing
		{fixed, "a b", Disputed, 1, ""},
		{fixed, "a b .", Disputed, 0, ""},
		{fixed, "a !", Disputed, 1, ""},
		{fixed, "a b c d", Disputed, 1, ""},
		{three, "a b c", Disputed, 2, ""},
		{three, "a a b", Disputed, 1, ""},
		// a way of failing is a result like any other
		{fixed, "! !", Failed, 0, "reason 0"},
		{fixed, "a ! !", Failed, 0, "reason 1"},
		{fixed, "!", Pending, 1, ""},
		// killed attempts are no votes but count as attempts
		{fixed, "K", Pending, 2, ""},
		{fixed, "K K K", Pending, 2, ""},
		{fixed, "K K K K", Failed, 0, "4 attempts killed, the last: reason 3"},
		{fixed, "K K K K .", Pending, 0, ""},
		{fixed, "K K K K K", Failed, 0, "5 attempts killed, the last: reason 4"},
		{fixed, "K K K a", Pending, 1, ""},
		{fixed, "K K K K a", Failed, 0, "1 different result in 5 attempts"},
		// nobody agrees
		{fixed, "a b c d e", Failed, 0, "5 different results in 5 attempts, and no 2 equal ones"},
		{three, "a b c d .", Disputed, 0, ""}, // hopeless, but wait for who is at it
		{three, "a b c d", Failed, 0, "4 different results in 4 attempts, and no 3 equal ones"},
		// lost attempts cost nothing, until there are too many
		{fixed, "L L L", Pending, 2, ""},
		{fixed, "a L L L L L L", Pending, 1, ""},
		{fixed, strings.Repeat("L ", 19), Pending, 2, ""},
		{fixed, strings.Repeat("L ", 20), Failed, 0, "20 attempts ended without a result, the last: reason 19"},
		{fixed, "a . " + strings.Repeat("L ", 20), Failed, 0, "20 attempts ended without a result"},
		{fixed, "a a " + strings.Repeat("L ", 20), Agreed, 0, "a"},
		// void attempts count nowhere
		{fixed, "V", Pending, 2, ""},
		{fixed, "V a", Pending, 1, ""},
		{fixed, "V V V V V a", Pending, 1, ""},
		{fixed, "V b b", Agreed, 0, "b"},
		{fixed, "O a", Pending, 1, ""},
		{fixed, "O b b", Agreed, 0, "b"},
	}
	for _, test := range tests {
		v := judge(test.trust, attemptsOf(test.attempts))
		if v.Kind != test.kind || v.Want != test.want || !saysWhat(v, test.says) {
			t.Errorf("%+v of %q: verdict %+v, want kind %d, %d more, %q", test.trust, test.attempts, v, test.kind, test.want, test.says)
		}
	}
}

// judge is for attempts that are in time as far as they run.
func judge(t Trust, attempts []Attempt) Verdict { return t.Judge(attempts, count(attempts).running) }

func saysWhat(v Verdict, says string) bool {
	if v.Kind == Agreed {
		return v.Vote == Vote{Output: fakeRef(says)}
	}
	crashed := v.Kind == Failed && v.Vote == Vote{Failed: true, ExitCode: 1}
	return (v.Vote == Vote{} || crashed == strings.HasPrefix(v.Reason, "reason")) && strings.HasPrefix(v.Reason, says) && (says != "" || v.Reason == "")
}

func TestVotesDifferInSizeToo(t *testing.T) {
	attempts := attemptsOf("a a")
	attempts[1].Vote.Output.Size++
	if v := judge(Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5}, attempts); v.Kind != Disputed {
		t.Errorf("verdict %+v, want a dispute", v)
	}
}

func TestFailuresDifferByExitCode(t *testing.T) {
	attempts := attemptsOf("! !")
	attempts[1].Vote.ExitCode = 2
	if v := judge(Trust{Replicas: 2, Quorum: 2, MaxAttempts: 5}, attempts); v.Kind != Disputed {
		t.Errorf("verdict %+v, want a dispute", v)
	}
}
