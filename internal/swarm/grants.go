package swarm

import (
	"context"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
)

// maxGrants bounds the grants that a node keeps. One that is missing costs nothing but
// the peers that want to see it: coordinators do not.
const maxGrants = 8192

// grants are a coordinator's words that this node may read blobs: peers are shown them.
type grants struct {
	mu   sync.Mutex
	kept map[blob.ID][]byte
}

func (g *grants) of(id blob.ID) []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept[id]
}

// Grant keeps a coordinator's word that this node may read a blob. An empty one is
// passed over.
func (s *Swarm) Grant(id blob.ID, grant []byte) {
	if len(grant) == 0 {
		return
	}
	g := &s.grants
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.kept == nil {
		g.kept = map[blob.ID][]byte{}
	}
	for old := range g.kept {
		if len(g.kept) < maxGrants {
			break
		}
		delete(g.kept, old) // any one
	}
	g.kept[id] = grant
}

type grantKey struct{}

func withGrant(ctx context.Context, grant []byte) context.Context {
	return context.WithValue(ctx, grantKey{}, grant)
}

// GrantFrom is what a caller shows for its right to a blob, nil if nothing: for
// ServerConfig.Allow.
func GrantFrom(ctx context.Context) []byte {
	grant, _ := ctx.Value(grantKey{}).([]byte)
	return grant
}
