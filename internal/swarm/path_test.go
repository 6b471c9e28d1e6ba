package swarm

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/jobs"
)

// A peer that is reached through a third one is asked for what nobody else has.
func TestRelayedPeersComeLast(t *testing.T) {
	relayed := peerIdentity{role: jobs.Worker, path: reach.Relayed}.rank()
	for _, role := range []jobs.Role{jobs.Worker, jobs.Coordinator, jobs.Submitter} {
		for _, path := range []reach.Path{reach.Direct, reach.Mapped, reach.Reversed, reach.Punched} {
			if near := (peerIdentity{role: role, path: path}).rank(); near >= relayed {
				t.Errorf("a %v that is reached %v has rank %d, and a worker through a relay %d", role, path, near, relayed)
			}
		}
	}
	if relayed >= lastRank {
		t.Error("it ranks with those that are slow")
	}
}
