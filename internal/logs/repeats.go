package logs

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

const (
	// everyRepeat is how often a line is written that comes again and again.
	everyRepeat = time.Minute
	// maxKinds bounds the kinds of lines that are remembered.
	maxKinds = 1024
)

// repeats is a handler that holds back what is said of one thing several times a minute,
// such as of a dead voter: of warnings and errors of the same kind one a minute is written,
// with how many there were since the one before.
type repeats struct {
	slog.Handler
	with string // what With has put before each line, as it counts for its kind
	seen *kinds
}

// kinds are the lines that were written lately.
type kinds struct {
	mu    sync.Mutex
	kinds map[string]*repeated
}

type repeated struct {
	written time.Time
	held    int
}

func holdRepeats(h slog.Handler) slog.Handler {
	return repeats{h, "", &kinds{kinds: map[string]*repeated{}}}
}

// Handle implements slog.Handler.
func (h repeats) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return h.Handler.Handle(ctx, r)
	}
	held, ok := h.seen.pass(h.with+kindOf(r), time.Now())
	if !ok {
		return nil
	}
	if held > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("repeated", held))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h repeats) WithAttrs(attrs []slog.Attr) slog.Handler {
	h.Handler = h.Handler.WithAttrs(attrs)
	for _, a := range attrs {
		h.with += subject(a)
	}
	return h
}

// WithGroup implements slog.Handler.
func (h repeats) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	h.with += name + "\x00"
	return h
}

// pass says whether a line is to be written, and how many like it were held back since the
// one before.
func (r *kinds) pass(kind string, now time.Time) (held int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.kinds[kind]
	if k != nil && now.Sub(k.written) < everyRepeat {
		k.held++
		return 0, false
	}
	if k != nil {
		held = k.held
	} else if len(r.kinds) >= maxKinds {
		clear(r.kinds)
	}
	r.kinds[kind] = &repeated{written: now}
	return held, true
}

// kindOf is what a line says, and what of.
func kindOf(r slog.Record) string {
	var kind strings.Builder
	kind.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		kind.WriteString(subject(a))
		return true
	})
	return kind.String()
}

// subject is what an attribute adds to a line's kind: nothing if it is an error, a number
// or a time, which differ from one line to the next that says the same.
func subject(a slog.Attr) string {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindString:
	case slog.KindAny:
		if _, ok := v.Any().(error); ok {
			return ""
		}
	default:
		return ""
	}
	if a.Key == "error" {
		return ""
	}
	return "\x00" + a.Key + "=" + v.String()
}
