//go:build linux

package homes

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// Job is one that moves bytes, or takes its time.
type Job struct {
	Tasks  int
	Input  int // bytes of each task's
	Result int // bytes of each task's
	// Turns is how many millions of turns a task's loop has; with some, it gives its
	// input, whatever Result is.
	Turns uint32
}

// Write puts the job's files into a directory.
func (j Job) Write(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "in"), 0o700); err != nil {
		return err
	}
	for i := range j.Tasks {
		data := make([]byte, j.Input)
		rand.Read(data) // never fails
		if err := os.WriteFile(filepath.Join(dir, "in", fmt.Sprintf("%03d.bin", i)), data, 0o600); err != nil {
			return err
		}
	}
	bundle, trust := handmade.Pad(j.Result), ""
	if j.Turns > 0 {
		bundle, trust = handmade.EchoAfter(j.Turns), "trust:\n  max_error: 0.01\n" // it is no test of that
	}
	if err := os.WriteFile(filepath.Join(dir, "task.wasm"), bundle, 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "job.yaml"), []byte(`name: homes
bundle: task.wasm
input:
  files: ["in/*.bin"]
limits:
  time: 10m
  memory: 64MiB
  output: 16MiB
`+trust), 0o600)
}

// Submit runs the job from a machine to its end, and fetches its results. It tells how
// long that took.
func (g *Grid) Submit(ctx context.Context, m *Machine, j Job) (time.Duration, error) {
	dir, err := os.MkdirTemp(g.Dir, "job")
	if err != nil {
		return 0, err
	}
	if err := j.Write(dir); err != nil {
		return 0, err
	}
	began := time.Now()
	_, err = g.Run(ctx, m, "", "submit", filepath.Join(dir, "job.yaml"), "--wait", "-o", filepath.Join(dir, "out"))
	took := time.Since(began)
	if err != nil {
		return took, err
	}
	found, err := filepath.Glob(filepath.Join(dir, "out", "*"))
	if err == nil && len(found) < j.Tasks {
		err = fmt.Errorf("%d results, want %d", len(found), j.Tasks)
	}
	return took, err
}
