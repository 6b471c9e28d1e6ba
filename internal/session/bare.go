package session

import (
	"context"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// bareTime is for how long a node is content with a coordinator of a release that knows
// no sessions: there may be a newer one by then.
const bareTime = time.Minute

// beatBare is a session with such a coordinator: heartbeats and nothing else.
func (a *attending) beatBare(ctx context.Context) error {
	work := anthillv1.NewWorkServiceClient(a.link.conn)
	for end := time.Now().Add(bareTime); time.Now().Before(end); {
		if a.cfg.Beat != nil {
			if err := a.bareBeat(ctx, work); err != nil {
				return err
			}
		}
		sleep(ctx, a.cfg.Every())
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (a *attending) bareBeat(ctx context.Context, work anthillv1.WorkServiceClient) error {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	resp, err := work.Heartbeat(ctx, a.cfg.Beat())
	if err != nil {
		return err
	}
	a.mu.Lock()
	for done := range a.heard {
		close(done)
		delete(a.heard, done)
	}
	a.mu.Unlock()
	var known []string
	for _, c := range resp.GetCoordinators() {
		known = append(known, c.GetAddress())
	}
	a.cfg.Answered(resp, nil)
	a.Learn(known)
	return nil
}
