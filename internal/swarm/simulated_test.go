package swarm

import (
	mathbits "math/bits"
	"testing"
	"testing/synctest"
	"time"
)

// simPieces is how many pieces the simulated blob has.
const simPieces = 256

// simulate gives the time that a swarm takes, and how many pieces came twice.
func simulate(t *testing.T, peers int, disturb func(*sim)) (took time.Duration, dups int) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, peers, simPieces, uint64(peers))
		disturb(s)
		took, dups = s.run(), s.dups
	})
	return took, dups
}

// simBound is the bound of Mundinger, Weber and Weiss (2008).
func simBound(peers int) time.Duration {
	alone := simPieces * piece / simUplink
	return time.Duration(alone * (1 + float64(mathbits.Len(uint(peers))-1)/simPieces) * float64(time.Second))
}

// The time until all have a blob stays close to the bound, for up to 32 peers.
func TestSimulatedSwarmIsCloseToTheBound(t *testing.T) {
	for _, c := range []struct {
		peers int
		worst float64
	}{{1, 1.02}, {2, 1.04}, {3, 1.06}, {4, 1.07}, {8, 1.08}, {16, 1.10}, {32, 1.12}} {
		took, dups := simulate(t, c.peers, func(*sim) {})
		ratio := float64(took) / float64(simBound(c.peers))
		t.Logf("%d peers: %v, bound %v, ratio %.3f, %d duplicates", c.peers, took, simBound(c.peers), ratio, dups)
		if ratio > c.worst || dups > 0 {
			t.Errorf("%d peers: ratio %.3f, want <= %.2f; %d duplicates", c.peers, ratio, c.worst, dups)
		}
	}
}

// Peers that die or fall silent, halfway or at the end, cost the others little.
func TestSimulatedSwarmForgivesLostPeers(t *testing.T) {
	freeze := func(p *simPeer) { p.frozen = true }
	for _, c := range []struct {
		name  string
		lost  int
		how   func(*simPeer)
		when  float64 // in bounds
		worst float64
	}{
		{"3 of 8 die halfway", 3, (*simPeer).die, 0.5, 1.08},
		{"3 of 8 die at the end", 3, (*simPeer).die, 1, 1.10},
		{"1 of 8 freezes halfway", 1, freeze, 0.5, 1.10},
		{"1 of 8 freezes at the end", 1, freeze, 1, 1.12},
		{"3 of 8 freeze halfway", 3, freeze, 0.5, 1.08},
		{"3 of 8 freeze at the end", 3, freeze, 1, 1.12},
	} {
		took, dups := simulate(t, 8, func(s *sim) {
			s.after(time.Duration(float64(simBound(8))*c.when), func() {
				for _, p := range s.peers[1 : 1+c.lost] {
					c.how(p)
				}
			})
		})
		ratio := float64(took) / float64(simBound(8))
		t.Logf("%s: %v, ratio %.3f, %d duplicates", c.name, took, ratio, dups)
		if ratio > c.worst || dups > 8 {
			t.Errorf("%s: ratio %.3f, want <= %.2f; %d duplicates", c.name, ratio, c.worst, dups)
		}
	}
}
