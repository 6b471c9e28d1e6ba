package hclogslog

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// logged returns what write makes of a logger, without times.
func logged(level slog.Level, write func(hclog.Logger)) string {
	var out strings.Builder
	handler := slog.NewTextHandler(&out, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})
	write(New(slog.New(handler)))
	return out.String()
}

func TestLines(t *testing.T) {
	for want, write := range map[string]func(hclog.Logger){
		"level=DEBUG-4 msg=m\n":     func(l hclog.Logger) { l.Trace("m") },
		"level=DEBUG msg=m\n":       func(l hclog.Logger) { l.Debug("m") },
		"level=INFO msg=m term=3\n": func(l hclog.Logger) { l.Info("m", "term", 3) },
		"level=WARN msg=m\n":        func(l hclog.Logger) { l.Warn("m") },
		"level=ERROR msg=m\n":       func(l hclog.Logger) { l.Error("m") },
		"":                          func(l hclog.Logger) { l.Log(hclog.Off, "m") },
		"level=INFO msg=m k=a-7\n":  func(l hclog.Logger) { l.Info("m", "k", hclog.Fmt("%s-%d", "a", 7)) },
		"level=INFO msg=m a=1 b=2 c=3 logger=raft.fsm\n": func(l hclog.Logger) {
			l.With("a", 1).Named("raft").With("b", 2).Named("fsm").Info("m", "c", 3)
		},
		"level=INFO msg=m logger=x\n":       func(l hclog.Logger) { l.Named("raft").ResetNamed("x").Info("m") },
		"level=INFO msg=\"[WARN] a\"\n":     func(l hclog.Logger) { standard(l, hclog.StandardLoggerOptions{}, "[WARN] a") },
		"level=WARN msg=\"raft: a\"\n":      func(l hclog.Logger) { standard(l, hclog.StandardLoggerOptions{InferLevels: true}, "[WARN] raft: a") },
		"level=ERROR msg=a\n":               func(l hclog.Logger) { standard(l, hclog.StandardLoggerOptions{InferLevels: true}, "[ERR] a") },
		"level=INFO msg=\"[peer] is up\"\n": func(l hclog.Logger) { standard(l, hclog.StandardLoggerOptions{InferLevels: true}, "[peer] is up") },
		"level=DEBUG msg=a\n":               func(l hclog.Logger) { standard(l, hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}, "[WARN] a") },
	} {
		if got := logged(levelTrace, write); got != want {
			t.Errorf("logged %q, want %q", got, want)
		}
	}
}

func standard(l hclog.Logger, opts hclog.StandardLoggerOptions, line string) {
	l.StandardLogger(&opts).Println(line)
}

func TestLevelIsTheHandlers(t *testing.T) {
	got := logged(slog.LevelWarn, func(l hclog.Logger) {
		l.SetLevel(hclog.Trace)
		l.Info("dropped")
		l.Warn("kept")
		if l.IsInfo() || !l.IsWarn() || l.GetLevel() != hclog.Warn {
			t.Errorf("info %t, warn %t, level %s: want warn alone", l.IsInfo(), l.IsWarn(), l.GetLevel())
		}
	})
	if got != "level=WARN msg=kept\n" {
		t.Errorf("logged %q", got)
	}
}

// Siblings must not write over each other's arguments.
func TestWithDoesNotShare(t *testing.T) {
	got := logged(slog.LevelInfo, func(l hclog.Logger) {
		base := l.With("a", 1)
		x, y := base.With("x", 1), base.With("y", 1)
		x.Info("m")
		y.Info("m")
	})
	if got != "level=INFO msg=m a=1 x=1\nlevel=INFO msg=m a=1 y=1\n" {
		t.Errorf("logged %q", got)
	}
}
