package sdk

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/jobs"
)

// TestSilenceIsToldOf within five seconds, once for each call, and not where somebody
// answers.
func TestSilenceIsToldOf(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	var mu sync.Mutex
	var told []string
	grid, err := Connect(t.Context(), Config{Grid: fake.Client(t, jobs.Submitter), Patience: 4 * time.Second, Waiting: func(text string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, text)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer grid.Close()
	if _, err := grid.Jobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	fake.Kill(0)
	if _, err := grid.Jobs(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || !strings.HasPrefix(told[0], "no coordinator answers yet (tried "+fake.Addresses()[0]) || !strings.Contains(told[0], "trying for 4s in all") {
		t.Errorf("people were told %q", told)
	}
}
