package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
)

// program is a native build, which is started for each run.
type program struct {
	path string
	idle background
}

func startNative(ctx context.Context, b *bench, v variant, language guests.Language, name string) (runner, error) {
	dir := filepath.Join(b.dir, v.key)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	path, err := b.tools[language].Native(ctx, name, dir)
	return program{path, b.idle}, err
}

func (p program) close() {}

func (p program) run(ctx context.Context, args []string, times int) (sample, error) {
	var s sample
	for range times {
		var output strings.Builder
		cmd := exec.CommandContext(ctx, p.path, args...)
		cmd.Stdout = &output
		start := time.Now()
		err := p.idle.start(cmd)
		if err == nil {
			err = cmd.Wait()
		}
		if err != nil {
			return sample{}, fmt.Errorf("run native build: %w", err)
		}
		s.output = output.String()
		s.wall += time.Since(start)
		s.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return s.per(times), nil
}
