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

// Job is one whose input and results both are larger than a piece.
type Job struct {
	Tasks  int
	Input  int // bytes of each task's
	Result int // bytes of each task's
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
	if err := os.WriteFile(filepath.Join(dir, "pad.wasm"), handmade.Pad(j.Result), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "job.yaml"), []byte(`name: homes
bundle: pad.wasm
input:
  files: ["in/*.bin"]
limits:
  time: 1m
  memory: 64MiB
  output: 16MiB
`), 0o600)
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
