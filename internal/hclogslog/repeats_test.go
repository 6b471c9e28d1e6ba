package hclogslog

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Raft complains of a dead voter several times a second, with another wait each time.
func TestWhatRepeatsIsWrittenOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := New(slog.New(slog.NewTextHandler(&out, nil)))
		for i := range 10 {
			l.Named("raft").Error("failed to heartbeat to", "peer", "c2", "backoff time", time.Duration(i), "error", errors.New("refused"))
			time.Sleep(250 * time.Millisecond)
		}
		l.Named("raft").Error("failed to heartbeat to", "peer", "c3")
		l.Info("again")
		l.Info("again")
		if got := strings.Count(out.String(), "peer=c2"); got != 1 {
			t.Errorf("%d lines of one dead peer in a second:\n%s", got, &out)
		}
		if !strings.Contains(out.String(), "peer=c3") || strings.Count(out.String(), "again") != 2 {
			t.Errorf("other lines were held back:\n%s", &out)
		}
		time.Sleep(time.Minute)
		l.Named("raft").Error("failed to heartbeat to", "peer", "c2")
		if !strings.Contains(out.String(), "repeated=9") {
			t.Errorf("nothing says how many there were:\n%s", &out)
		}
	})
}
