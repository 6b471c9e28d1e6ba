package swarm

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// peersWanted is how many peers to be told of at a time.
const peersWanted = 32

// Announce tells the grid's tracker that the peer at self fetches a blob, or has
// all of it, and asks which others do: what Config.Find does where a coordinator is
// asked over the network.
func Announce(ctx context.Context, tracker anthillv1.TrackerServiceClient, self string, id blob.ID, complete bool) ([]Provider, time.Duration, error) {
	resp, err := tracker.Announce(ctx, &anthillv1.AnnounceRequest{
		Address: self, Blobs: []*anthillv1.Announcement{{Blob: id[:], Complete: complete, Peers: peersWanted}},
	})
	if err != nil {
		return nil, 0, err
	}
	var list []Provider
	for _, s := range resp.GetSwarms() {
		list = append(list, ProvidersOf(s.GetPeers())...)
	}
	return list, max(time.Second, resp.GetAgain().AsDuration()), nil
}
