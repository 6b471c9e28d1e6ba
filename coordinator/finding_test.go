package coordinator

import (
	"context"
	"errors"
	"sync"
	"testing"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/keeper"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// TestResultsAreNotAnnounced: whoever has the same answer would learn that its task was
// somebody else's too.
func TestResultsAreNotAnnounced(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	d := desk.New(desk.Config{Replica: l.Replica, Logger: voter.Quiet})
	if err := d.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := &Coordinator{keeper: newKeeper(l), desk: d, base: &node.Base{Directory: &identity.Directory{Identity: newIdentity(t)}}}
	result, dataset := blob.Of([]byte("result")).ID(), blob.Of([]byte("dataset")).Ref()
	l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: dataset, By: "op", Room: 1 << 30}})
	l.Until("the keeper knows of the dataset", func() bool { return c.keeper.Holds(dataset.ID) })
	if _, err := d.Heartbeat("w1", desk.Beat{Address: "w1:1", Blobs: []blob.ID{result, dataset.ID}}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []blob.ID{result, dataset.ID} {
		peers, _, err := c.find(t.Context(), id)
		if err != nil || (len(peers) > 0) != (id == dataset.ID) {
			t.Errorf("%s: %v, %v", id.Short(), peers, err)
		}
	}
}

// newKeeper is a keeper that runs until the test ends, and reaches nobody.
func newKeeper(l *voter.Voter) *keeper.Keeper {
	l.Helper()
	store, err := blobstore.Open(blobstore.Config{Dir: l.TempDir()})
	if err != nil {
		l.Fatal(err)
	}
	nobody := func(context.Context, swarm.Provider) (grpc.ClientConnInterface, error) {
		return nil, errors.New("nobody answers")
	}
	sw, err := swarm.New(swarm.Config{Store: store, Dial: nobody})
	if err != nil {
		l.Fatal(err)
	}
	k := keeper.New(keeper.Config{
		Node: "c1", Replica: l.Replica, Store: store, Swarm: sw, Logger: voter.Quiet,
		Confirm: func(context.Context, jobs.ConfirmHeld) error { return nil },
		Members: func() []membership.Member { return nil },
		Workers: func(context.Context) map[jobs.NodeID]string { return nil },
		Spent:   func() error { return nil },
	})
	ctx, cancel := context.WithCancel(context.Background())
	var runs sync.WaitGroup
	runs.Go(func() { k.Run(ctx) })
	l.Cleanup(func() {
		cancel()
		runs.Wait()
		sw.Close()
		store.Close()
	})
	return k
}

func newIdentity(t *testing.T) *identity.Identity {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return &identity.Identity{Key: key}
}
