// Package hclogslog lets raft and its kin, which log by hclog, write to slog.
package hclogslog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"slices"

	"github.com/hashicorp/go-hclog"
)

// levelTrace is below slog's lowest.
const levelTrace = slog.LevelDebug - 4

// logger is a hclog.Logger whose level is that of the slog handler.
type logger struct {
	slog *slog.Logger
	name string
	args []any
}

// New makes a hclog.Logger that writes to l. Sub-loggers' names become the
// attribute "logger"; SetLevel does nothing, since l's handler decides.
func New(l *slog.Logger) hclog.Logger {
	return &logger{slog: l}
}

func (l *logger) Log(level hclog.Level, msg string, args ...any) {
	sl, ok := slogLevel(level)
	if !ok || !l.slog.Enabled(context.Background(), sl) {
		return
	}
	all := slices.Concat(l.args, args)
	for i, arg := range all {
		all[i] = plain(arg)
	}
	if l.name != "" {
		all = append(all, "logger", l.name)
	}
	l.slog.Log(context.Background(), sl, msg, all...)
}

func (l *logger) Trace(msg string, args ...any) { l.Log(hclog.Trace, msg, args...) }
func (l *logger) Debug(msg string, args ...any) { l.Log(hclog.Debug, msg, args...) }
func (l *logger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *logger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *logger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *logger) IsTrace() bool { return l.enabled(hclog.Trace) }
func (l *logger) IsDebug() bool { return l.enabled(hclog.Debug) }
func (l *logger) IsInfo() bool  { return l.enabled(hclog.Info) }
func (l *logger) IsWarn() bool  { return l.enabled(hclog.Warn) }
func (l *logger) IsError() bool { return l.enabled(hclog.Error) }

func (l *logger) enabled(level hclog.Level) bool {
	sl, ok := slogLevel(level)
	return ok && l.slog.Enabled(context.Background(), sl)
}

func (l *logger) ImpliedArgs() []any { return l.args }

func (l *logger) With(args ...any) hclog.Logger {
	return &logger{l.slog, l.name, slices.Concat(l.args, args)}
}

func (l *logger) Name() string { return l.name }

func (l *logger) Named(name string) hclog.Logger {
	if l.name != "" {
		name = l.name + "." + name
	}
	return l.ResetNamed(name)
}

func (l *logger) ResetNamed(name string) hclog.Logger {
	return &logger{l.slog, name, l.args}
}

func (l *logger) SetLevel(hclog.Level) {}

func (l *logger) GetLevel() hclog.Level {
	for _, level := range []hclog.Level{hclog.Trace, hclog.Debug, hclog.Info, hclog.Warn, hclog.Error} {
		if l.enabled(level) {
			return level
		}
	}
	return hclog.Off
}

func (l *logger) StandardLogger(opts *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(l.StandardWriter(opts), "", 0)
}

func (l *logger) StandardWriter(opts *hclog.StandardLoggerOptions) io.Writer {
	if opts == nil {
		opts = &hclog.StandardLoggerOptions{}
	}
	return writer{l, *opts}
}

// writer logs each Write as one line.
type writer struct {
	logger *logger
	opts   hclog.StandardLoggerOptions
}

func (w writer) Write(p []byte) (int, error) {
	line := bytes.TrimSpace(p)
	level, rest := cutLevel(line)
	switch {
	case w.opts.ForceLevel != hclog.NoLevel:
		w.logger.Log(w.opts.ForceLevel, string(rest))
	case w.opts.InferLevels:
		w.logger.Log(level, string(rest))
	default:
		w.logger.Log(hclog.Info, string(line))
	}
	return len(p), nil
}

// cutLevel takes "[WARN] " and its like off a line. The level is NoLevel if
// there is none.
func cutLevel(line []byte) (hclog.Level, []byte) {
	name, rest, ok := bytes.Cut(line, []byte("]"))
	if !ok || len(name) == 0 || name[0] != '[' {
		return hclog.NoLevel, line
	}
	level := hclog.Error // as in "[ERR]"
	if s := string(name[1:]); s != "ERR" {
		level = hclog.LevelFromString(s)
	}
	if level == hclog.NoLevel {
		return hclog.NoLevel, line
	}
	return level, bytes.TrimSpace(rest)
}

func slogLevel(level hclog.Level) (slog.Level, bool) {
	switch level {
	case hclog.Trace:
		return levelTrace, true
	case hclog.Debug:
		return slog.LevelDebug, true
	case hclog.NoLevel, hclog.Info:
		return slog.LevelInfo, true
	case hclog.Warn:
		return slog.LevelWarn, true
	case hclog.Error:
		return slog.LevelError, true
	default:
		return 0, false
	}
}

// plain formats what was made with hclog.Fmt; slog can print all else.
func plain(arg any) any {
	format, ok := arg.(hclog.Format)
	if !ok || len(format) == 0 {
		return arg
	}
	return fmt.Sprintf(fmt.Sprint(format[0]), format[1:]...)
}
