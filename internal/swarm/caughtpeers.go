package swarm

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// reportTries is how often the report of a peer that was caught is tried: others
	// may catch it too.
	reportTries = 5
	reportPause = 2 * time.Second
	// reportTime is for how long the end of a node waits for a report on its way.
	reportTime = 3 * time.Second
)

// maxCaught bounds the peers that wait to be reported.
const maxCaught = 64

// Caught is a node that sent wrong bytes, and the blob of which they were said to be.
type Caught struct {
	Node jobs.NodeID
	Blob blob.ID
	// Proof is what it has signed; nil: nothing.
	Proof *blob.Misserved
}

// Report tells the grid's tracker.
func (c Caught) Report(ctx context.Context, tracker anthillv1.TrackerServiceClient) error {
	req := &anthillv1.ReportPeersRequest{Nodes: []string{string(c.Node)}, Blobs: [][]byte{c.Blob[:]}}
	if c.Proof != nil && len(c.Proof.Manifest) <= jobs.MaxEvidence {
		req.Proof = wire.ProofToProto(c.Proof)
	}
	_, err := tracker.ReportPeers(ctx, req)
	return err
}

// ReportCaught reports nodes that were caught sending wrong bytes, each once for
// its refusal, until ctx ends.
func (s *Swarm) ReportCaught(ctx context.Context, report func(context.Context, Caught) error) {
	for {
		select {
		case c := <-s.caught:
			s.reportOne(ctx, c, report)
		case <-ctx.Done():
			return
		}
	}
}

func (s *Swarm) reportOne(ctx context.Context, c Caught, report func(context.Context, Caught) error) {
	for range reportTries {
		callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
		err := report(callCtx, c)
		cancel()
		if err == nil {
			s.cfg.Logger.Info("peer reported", "node", c.Node)
			return
		}
		s.cfg.Logger.Debug("failed to report peer", "node", c.Node, "error", err)
		select {
		case <-time.After(reportPause):
		case <-ctx.Done():
			return
		}
	}
}
