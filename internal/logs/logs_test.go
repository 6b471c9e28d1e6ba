package logs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What complains several times a second, with another wait each time, is written once a
// minute.
func TestWhatRepeatsIsWrittenOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l, err := New(&out, Config{Format: "text"})
		if err != nil {
			t.Fatal(err)
		}
		raft := l.With("logger", "raft")
		for i := range 10 {
			raft.Error("failed to heartbeat to", "peer", "c2", "backoff", time.Duration(i), "n", i, "error", fmt.Errorf("refused %d", i))
			time.Sleep(250 * time.Millisecond)
		}
		raft.Error("failed to heartbeat to", "peer", "c3")
		l.With("logger", "gossip").Error("failed to heartbeat to", "peer", "c2", "whose", "gossip's")
		l.Info("again")
		l.Info("again")
		if got := strings.Count(out.String(), "peer=c2"); got != 2 {
			t.Errorf("%d lines of one dead peer by two loggers in some seconds:\n%s", got, &out)
		}
		if !strings.Contains(out.String(), "peer=c3") || strings.Count(out.String(), "again") != 2 {
			t.Errorf("other lines were held back:\n%s", &out)
		}
		time.Sleep(time.Minute)
		raft.Error("failed to heartbeat to", "peer", "c2", "error", errors.New("refused"))
		if !strings.Contains(out.String(), "repeated=9") {
			t.Errorf("nothing says how many there were:\n%s", &out)
		}
	})
}

func TestFormats(t *testing.T) {
	var out bytes.Buffer
	l, err := New(&out, Config{Format: "json", Level: slog.LevelWarn})
	if err != nil {
		t.Fatal(err)
	}
	l.Info("held back by its level")
	l.Warn("disk is full", "free", 7)
	var line struct {
		Level, Msg string
		Free       int
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Level != "WARN" || line.Msg != "disk is full" || line.Free != 7 {
		t.Errorf("%s: %v", &out, err)
	}
	if _, err := New(&out, Config{Format: "xml"}); err == nil {
		t.Error("there is no format xml")
	}
}

func TestRecentKeepsTheLatestLines(t *testing.T) {
	var r Recent
	line := strings.Repeat("x", 99)
	for i := range 50_000 {
		fmt.Fprintf(&r, "%d %s\n", i, line)
	}
	text := string(r.Text())
	if len(text) < recentKept-200 || len(text) > 2*recentKept {
		t.Errorf("%d bytes are kept", len(text))
	}
	if !strings.HasSuffix(text, "49999 "+line+"\n") {
		t.Error("the last line is missing")
	}
	if first, _, _ := strings.Cut(text, "\n"); !strings.HasSuffix(first, " "+line) || len(first) < len(line)+2 {
		t.Errorf("the first line is torn: %s", first)
	}
}
