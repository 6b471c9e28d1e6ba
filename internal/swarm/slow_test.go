package swarm

import (
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
)

// Bytes count, not pieces: one may take much longer than the patience, though several
// share the line.
func TestSlowUplinkIsNoSilence(t *testing.T) {
	t.Parallel()
	line := throttle.New(throttle.Limits{Up: 160_000}, nil)
	s := newSwarm(t, Config{Patience: 600 * time.Millisecond})
	began := time.Now()
	errs := make(chan error)
	for k := range byte(2) {
		data := content(100+k, 160_000)
		p := serveOn(t, jobs.Worker, line.Listen).hold(t, data)
		go func() {
			_, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(p))
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if took := time.Since(began); took < 2*s.cfg.Patience {
		t.Errorf("the line was not slow: %v", took)
	}
}
