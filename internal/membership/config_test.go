package membership

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
)

func TestConfigRefusals(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"no node id":        func(c *Config) { c.Node = "" },
		"no transport":      func(c *Config) { c.Transport = nil },
		"gossip as nowhere": func(c *Config) { c.Transport = NewTransport("nowhere", nil) },
	} {
		cfg := sampleConfig(t, 0)
		change(&cfg)
		m, err := New(cfg)
		if err == nil {
			m.Shutdown()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v: want one with %q", err, want)
		}
	}
}

// lockedBuffer is written to by serf's goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestSerfLogsAtDebug(t *testing.T) {
	for level, wantLines := range map[slog.Level]bool{slog.LevelDebug: true, slog.LevelInfo: false} {
		var out lockedBuffer
		cfg := sampleConfig(t, 0)
		cfg.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
		if err := run(t, cfg).Shutdown(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "serf: Shutdown without a Leave"); got != wantLines {
			t.Errorf("at %s serf's lines are logged: %t, want %t", level, got, wantLines)
		}
	}
}
