package swarm

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// peersWanted is how many peers to be told of at a time.
const peersWanted = 32

// Meeting is what the tracker tells of a blob.
type Meeting struct {
	Peers []Provider
	Again time.Duration // when to ask again
	// Grant says that the caller may read the blob. Where there is none, the peers are
	// those that share it with everybody.
	Grant []byte
}

// Announce tells the grid's tracker that the peer at self fetches a blob, or has
// all of it, and whether it shares that with everybody, and asks which others do: what Config.Find does where a coordinator is
// asked over the network.
func Announce(ctx context.Context, tracker anthillv1.TrackerServiceClient, self string, id blob.ID, complete, public bool) (Meeting, error) {
	resp, err := tracker.Announce(ctx, &anthillv1.AnnounceRequest{
		Address: self, Blobs: []*anthillv1.Announcement{{Blob: id[:], Complete: complete, Public: public, Peers: peersWanted}},
	})
	if err != nil {
		return Meeting{}, err
	}
	m := Meeting{Again: max(time.Second, resp.GetAgain().AsDuration())}
	for _, s := range resp.GetSwarms() {
		m.Peers, m.Grant = append(m.Peers, ProvidersOf(s.GetPeers())...), s.GetGrant()
	}
	return m, nil
}
