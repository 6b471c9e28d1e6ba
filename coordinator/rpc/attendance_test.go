package rpc

import (
	"reflect"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// TestCopiesAreWaitedForWithThoseWhoAreThere has three coordinators of the operator and
// one of a friend.
func TestCopiesAreWaitedForWithThoseWhoAreThere(t *testing.T) {
	st := jobs.NewState()
	for _, id := range []jobs.NodeID{"a", "b", "c", "friends"} {
		st.Holders, st.Nodes[id] = append(st.Holders, id), &jobs.Node{Role: jobs.Coordinator, Owner: "operator"}
	}
	st.Nodes["friends"].Owner = "friend"
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	alive := membership.Member{Since: ago(time.Hour)}
	left := func(d time.Duration) membership.Member {
		return membership.Member{Status: membership.Left, Since: ago(d)}
	}
	failed := func(d time.Duration) membership.Member {
		return membership.Member{Status: membership.Failed, Since: ago(d)}
	}
	full := func(d time.Duration) membership.Member { return membership.Member{Full: true, Since: ago(d)} }
	type members = map[jobs.NodeID]membership.Member
	const minute = time.Minute
	for _, c := range []struct {
		what          string
		members       members
		holders       uint64 // bits: friends, c, b, a
		copies, needs [2]uint32
		reason        waits.Reason
		whom          string
		passed        int
	}{
		{"nobody has it", members{"a": alive, "b": alive, "c": alive, "friends": alive}, 0b0000, [2]uint32{0, 0}, [2]uint32{2, 2}, waits.Copies, "operator's a", 0},
		{"the friend lacks it", members{"a": alive, "b": alive, "c": alive, "friends": alive}, 0b0111, [2]uint32{3, 1}, [2]uint32{2, 2}, waits.Copies, "friend's friends", 0},
		{"two owners have it", members{"a": alive, "b": alive, "c": alive, "friends": alive}, 0b1001, [2]uint32{2, 2}, [2]uint32{2, 2}, waits.None, "", 0},
		{"the friend left a moment ago", members{"a": alive, "b": alive, "c": alive, "friends": left(40 * time.Second)}, 0b0111, [2]uint32{3, 1}, [2]uint32{2, 2}, waits.CopiesAway, "friend's friends", 0},
		{"the friend left long ago", members{"a": alive, "b": alive, "c": alive, "friends": left(minute)}, 0b0111, [2]uint32{3, 1}, [2]uint32{2, 1}, waits.None, "", 1},
		{"it left with its copy", members{"a": alive, "b": alive, "c": alive, "friends": left(minute)}, 0b1001, [2]uint32{1, 1}, [2]uint32{2, 1}, waits.Copies, "operator's b", 0},
		{"it failed", members{"a": alive, "b": alive, "c": alive, "friends": failed(30 * time.Second)}, 0b0111, [2]uint32{3, 1}, [2]uint32{2, 2}, waits.CopiesAway, "friend's friends", 0},
		{"it was never heard of", members{"a": alive, "b": alive, "c": alive}, 0b0111, [2]uint32{3, 1}, [2]uint32{2, 2}, waits.CopiesAway, "friend's friends", 0},
		{"its disk is full", members{"a": alive, "b": alive, "c": alive, "friends": full(30 * time.Second)}, 0b0111, [2]uint32{3, 1}, [2]uint32{2, 2}, waits.CopiesFull, "friend's friends", 0},
		{"its disk is full for long", members{"a": alive, "b": alive, "c": alive, "friends": full(time.Hour)}, 0b0111, [2]uint32{3, 1}, [2]uint32{2, 1}, waits.None, "", 1},
		{"all others are away", members{"a": alive, "b": failed(5 * time.Second), "c": failed(9 * time.Second), "friends": left(time.Hour)}, 0b0001, [2]uint32{1, 1}, [2]uint32{2, 1}, waits.CopiesAway, "operator's c", 1},
		{"all others are away for long", members{"a": alive, "b": failed(time.Hour), "c": failed(time.Hour), "friends": left(time.Hour)}, 0b0001, [2]uint32{1, 1}, [2]uint32{1, 1}, waits.None, "", 3},
	} {
		a := attend(st, c.members, ago(10*time.Second), now)
		copies, owners := a.copies(c.holders)
		wantCopies, wantOwners := a.needed()
		if got := [2]uint32{copies, owners}; got != c.copies {
			t.Errorf("%s: copies and owners %v, want %v", c.what, got, c.copies)
		}
		if got := [2]uint32{wantCopies, wantOwners}; got != c.needs {
			t.Errorf("%s: needs copies and owners %v, want %v", c.what, got, c.needs)
		}
		w := a.wait(c.holders, jobs.TimeOf(ago(minute)))
		whom := ""
		if len(w.Whom) > 0 {
			whom = w.Whom[0]
		}
		if w.Reason != c.reason || whom != c.whom {
			t.Errorf("%s: waits for %+v, want %v and %q", c.what, w, c.reason, c.whom)
		}
		if passed := a.passedOver(c.holders); len(passed) != c.passed {
			t.Errorf("%s: not waited for are %q, want %d", c.what, passed, c.passed)
		}
	}
	a := attend(st, members{"a": alive, "b": alive, "c": alive, "friends": left(90 * time.Second)}, now, now)
	if got, want := a.passedOver(1), []string{"friend's friends, which left at " + ago(90*time.Second).UTC().Format(time.TimeOnly) + " UTC"}; !reflect.DeepEqual(got, want) {
		t.Errorf("not waited for are %q, want %q", got, want)
	}
	a = attend(st, members{"a": alive, "b": alive, "c": alive, "friends": left(40 * time.Second)}, now, now)
	if w := a.wait(0b0111, 0); !w.Until.Equal(now.Add(20*time.Second)) || !w.Since.Equal(ago(40*time.Second)) {
		t.Errorf("since %v until %v", w.Since, w.Until)
	}
}
