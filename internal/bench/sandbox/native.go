package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/anthill-grid/anthill/internal/bench/sandbox/guests"
)

// program is a native build, which starts anew for each run.
type program struct{ path string }

func startNative(ctx context.Context, b *bench, v variant, language guests.Language, name string) (runner, error) {
	dir := filepath.Join(b.dir, v.key)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path, err := b.tools[language].Native(ctx, name, dir)
	return program{path}, err
}

func (p program) close() {}

func (p program) run(ctx context.Context, args []string, times int) (sample, error) {
	var s sample
	for range times {
		cmd := exec.CommandContext(ctx, p.path, args...)
		start := time.Now()
		output, err := cmd.Output()
		if err != nil {
			return sample{}, fmt.Errorf("run native build: %w", err)
		}
		s.output = string(output)
		s.wall += time.Since(start)
		s.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return s.per(times), nil
}
