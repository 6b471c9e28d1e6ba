package replica

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

func (v *voter) config() Config {
	return Config{Node: v.id.Node(), Address: v.address, Dir: filepath.Join(v.dir, "raft")}
}

// A voter whose two companions are gone for good goes on alone, with all that was
// acknowledged, whether its log begins with a snapshot or not.
func TestOneOfThreeIsRecovered(t *testing.T) {
	for _, snapshotted := range []bool{false, true} {
		g := newGroup(t)
		leader := g.leader(t)
		leader.propose(t, token("one"))
		if snapshotted {
			if err := leader.Snapshot(); err != nil {
				t.Fatal(err)
			}
			leader.propose(t, token("two"))
		}
		want := leader.hash(t)
		for _, v := range g {
			v.stop(t)
		}

		o, err := OpenOffline(leader.config())
		if err != nil {
			t.Fatal(err)
		}
		offline, err := Hash(o.State)
		if err != nil {
			t.Fatal(err)
		}
		if len(o.Voters) != 3 || offline != want {
			t.Errorf("offline: %d voters, state is the same: %v", len(o.Voters), offline == want)
		}
		if err := errors.Join(o.Recover(), o.Close()); err != nil {
			t.Fatal(err)
		}

		leader.start(t)
		group{leader}.leader(t)
		if got := leader.Voters(); len(got) != 1 || got[0].Node != leader.id.Node() {
			t.Errorf("voters after recovery: %v", got)
		}
		if leader.hash(t) != want {
			t.Error("the recovered state differs")
		}
		leader.propose(t, token("alone"))
	}
}

// What one replica writes seeds another, of another node, that goes on from there.
func TestAStateSeedsAReplica(t *testing.T) {
	g := newGroup(t)
	leader := g.leader(t)
	leader.propose(t, token("one"))
	var copied bytes.Buffer
	if _, err := leader.WriteState(&copied); err != nil {
		t.Fatal(err)
	}
	state, err := ReadState(&copied)
	if err != nil {
		t.Fatal(err)
	}
	want := leader.hash(t)

	v := &voter{id: newIdentity(t, newAuthority(t), jobs.Coordinator), dir: t.TempDir(), address: "127.0.0.1:0"}
	if err := Seed(v.config(), state); err != nil {
		t.Fatal(err)
	}
	if err := Seed(v.config(), state); err == nil {
		t.Error("a directory was seeded twice")
	}
	v.start(t)
	t.Cleanup(func() { v.stop(t) })
	group{v}.leader(t)
	if v.hash(t) != want {
		t.Error("the seeded state differs")
	}
	v.propose(t, token("two"))
}

func TestAnEmptyDirectoryIsNoReplica(t *testing.T) {
	if _, err := OpenOffline(Config{Node: "n", Address: "127.0.0.1:1", Dir: t.TempDir()}); !errors.Is(err, ErrEmpty) {
		t.Errorf("got %v", err)
	}
}

func newAuthority(t *testing.T) *identity.Authority {
	t.Helper()
	ca, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}
