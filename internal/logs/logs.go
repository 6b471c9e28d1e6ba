// Package logs makes the loggers of processes that run for long: in two formats, with what
// repeats held back, and with the latest lines kept for who looks inside.
package logs

import (
	"fmt"
	"io"
	"log/slog"
)

// Config says what is written, and how.
type Config struct {
	// Format is "text" or "json".
	Format string
	// Level is the least that is written.
	Level slog.Level
}

// Formats are those that there are, the default first.
var Formats = []string{"text", "json"}

// New makes a logger that writes to w.
func New(w io.Writer, cfg Config) (*slog.Logger, error) {
	opts := &slog.HandlerOptions{Level: cfg.Level}
	switch cfg.Format {
	case "text":
		return slog.New(holdRepeats(slog.NewTextHandler(w, opts))), nil
	case "json":
		return slog.New(holdRepeats(slog.NewJSONHandler(w, opts))), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", cfg.Format)
}
