package swarm

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// reportTries is how often a peer that was caught is reported before that is
	// given up: others may catch it too.
	reportTries = 5
	reportPause = 2 * time.Second
	// reportTime is for how long the end of a node waits for a report on its way.
	reportTime = 3 * time.Second
)

// maxCaught bounds the liars that wait to be reported.
const maxCaught = 64

// refuse talks to a peer no more.
func (s *Swarm) refuse(from who, address string, blob string, cause error) {
	fresh := s.refusals.add(from.node, address)
	s.cfg.Logger.Warn("peer refused", "address", address, "node", from.node, "blob", blob, "cause", cause)
	if !fresh || from.node == "" {
		return
	}
	select {
	case s.caught <- from.node:
	default:
	}
}

// ReportCaught reports nodes that were caught sending wrong bytes, each once for
// its refusal, until ctx ends.
func (s *Swarm) ReportCaught(ctx context.Context, report func(context.Context, jobs.NodeID) error) {
	for {
		select {
		case id := <-s.caught:
			s.reportOne(ctx, id, report)
		case <-ctx.Done():
			return
		}
	}
}

func (s *Swarm) reportOne(ctx context.Context, id jobs.NodeID, report func(context.Context, jobs.NodeID) error) {
	for range reportTries {
		callCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reportTime)
		err := report(callCtx, id)
		cancel()
		if err == nil {
			s.cfg.Logger.Info("peer reported", "node", id)
			return
		}
		s.cfg.Logger.Debug("report peer", "node", id, "error", err)
		select {
		case <-time.After(reportPause):
		case <-ctx.Done():
			return
		}
	}
}
