package coordinator

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/voter"
)

// sharedLog may be written while it is read.
type sharedLog struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// TestNoLeaderIsLogged: a majority is lost with a second voter that is not there. The group
// is one that nobody mends.
func TestNoLeaderIsLogged(t *testing.T) {
	t.Parallel()
	var log sharedLog
	there := foundAndRun(t)
	group := voter.New(t)
	c := &Coordinator{cfg: there.cfg, base: there.base, membership: there.membership, replica: group.Replica}
	c.cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	go c.lookForLeader(t.Context())
	go c.replica.AddVoter("ghost", "127.0.0.1:1")
	for end := time.Now().Add(20 * time.Second); !strings.Contains(log.String(), "the coordinators have no leader"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log says nothing of it:\n%s", log.String())
		}
	}
	if !strings.Contains(log.String(), "there=\"0 of 2\"") {
		t.Errorf("the log says:\n%s", log.String())
	}
}
