package keeper

import (
	"context"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// MayRead says who may read a blob here: see jobs.State.MayRead. Large results may be read
// by those to whom they were named, see Tell. To all others it is as if it were not here.
func (k *Keeper) MayRead(ctx context.Context, id blob.ID) bool {
	peer, err := identity.FromContext(ctx)
	if err != nil {
		return false
	}
	may, submits := false, false
	k.cfg.Replica.View(func(s *jobs.State) {
		n := s.Nodes[peer.Node]
		submits = n != nil && n.Role == jobs.Submitter && s.ShutOut(peer.Node) == ""
		may = s.MayRead(peer.Node, id)
	})
	return may || submits && (k.told.has(peer.Node, id) || k.cfg.Granted != nil && k.cfg.Granted(peer.Node, id, swarm.GrantFrom(ctx)))
}

const (
	// toldTime is for how long one who was told of a large result may read it here
	// without a grant, and maxTold how many such tellings are remembered. Clients of older
	// versions show no grants.
	toldTime = time.Hour
	maxTold  = 10_000
)

// told are the large results that were named to nodes of late. The zero value has none.
type told struct {
	mu   sync.Mutex
	when map[telling]time.Time
}

type telling struct {
	node jobs.NodeID
	blob blob.ID
}

// Tell notes that a node may read a large result: its owner's job has come to it.
func (k *Keeper) Tell(node jobs.NodeID, id blob.ID) {
	t := &k.told
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.when == nil {
		t.when = map[telling]time.Time{}
	}
	for old := range t.when {
		if len(t.when) < maxTold {
			break
		}
		delete(t.when, old) // any one
	}
	t.when[telling{node, id}] = time.Now()
}

func (t *told) has(node jobs.NodeID, id blob.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, known := t.when[telling{node, id}]
	return known && time.Since(at) < toldTime
}
