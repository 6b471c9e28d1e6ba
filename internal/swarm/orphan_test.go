package swarm

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// pulse measures the longest time for which nobody sent anything.
type pulse struct {
	mu      sync.Mutex
	last    time.Time
	longest time.Duration
}

// beat makes frames take a while, so that there is something to disturb.
func (p *pulse) beat(*anthillv1.ExchangeResponse) {
	time.Sleep(4 * time.Millisecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if !p.last.IsZero() {
		p.longest = max(p.longest, now.Sub(p.last))
	}
	p.last = now
}

// Whoever has found peers needs no coordinator any more, neither as a tracker nor
// as a source.
func TestDownloadOutlivesAllCoordinators(t *testing.T) {
	for name, gone := range map[string]func(context.Context) error{
		"refuse": func(context.Context) error { return errors.New("connection refused") },
		"hang":   func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := content(80, 48*piece)
			coordinator, known, found := serve(t, jobs.Coordinator).hold(t, data), serve(t, jobs.Worker).hold(t, data), serve(t, jobs.Worker).hold(t, data)
			var p pulse
			known.frame, found.frame = p.beat, p.beat
			calls := 0
			s := newSwarm(t, Config{Find: func(ctx context.Context, _ blob.ID) ([]Provider, time.Duration, error) {
				if calls++; calls == 1 {
					return providers(found), 50 * time.Millisecond, nil
				}
				go coordinator.server.Stop()
				return nil, 0, gone(ctx)
			}})
			if _, err := s.Fetch(deadline(t, 60*time.Second), blob.Of(data).ID(), 0, -1, providers(coordinator, known)); err != nil {
				t.Fatal(err)
			}
			mustHold(t, s, data)
			_ = s.Close() // Find is called no more
			if calls < 2 || p.longest > time.Second {
				t.Errorf("stood still for %v after %d calls of Find", p.longest, calls)
			}
			if found.reads.Load() == 0 {
				t.Error("who was found in time sent nothing")
			}
		})
	}
}
