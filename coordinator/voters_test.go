package coordinator

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// foundAndRun runs the first coordinator of a grid until the test ends.
func foundAndRun(t *testing.T) *Coordinator {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	c, err := New(t.Context(), Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Bootstrap: true, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	for end := time.Now().Add(20 * time.Second); !c.desk.Leading(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it does not lead")
		}
	}
	return c
}

// TestAFoundedGridHasTheNewestRules: nobody else is there to be waited for.
func TestAFoundedGridHasTheNewestRules(t *testing.T) {
	t.Parallel()
	var version jobs.Version
	foundAndRun(t).replica.View(func(s *jobs.State) { version = s.Version() })
	if version != jobs.LastVersion {
		t.Errorf("the rules are of version %d once the grid serves, want %d", version, jobs.LastVersion)
	}
}
