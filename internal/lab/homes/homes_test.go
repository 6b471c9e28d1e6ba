//go:build linux

package homes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
)

// start founds a grid on a small internet, until the test ends.
func start(t *testing.T) *Grid {
	t.Helper()
	if testing.Short() {
		t.Skip("makes networks and runs a grid in them")
	}
	lab, err := New()
	if errors.Is(err, ErrCannot) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	g := &Grid{Exe: gridtest.Binary(t), Dir: t.TempDir(), Lab: lab}
	if d := os.Getenv("KEEPDIR"); d != "" {
		g.Dir = d
	}
	t.Cleanup(func() {
		g.Close()
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := g.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

// machine makes one.
func (g *Grid) machine(t *testing.T, name string, kind Kind) *Machine {
	t.Helper()
	m, err := g.Lab.Machine(name, kind)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A job whose input and results are larger than what goes with a message ends, though
// its submitter and all workers are behind routers.
func TestAJobFromHomes(t *testing.T) {
	g := start(t)
	for i := range 3 {
		name := fmt.Sprintf("w%d", i+1)
		if err := g.Worker(t.Context(), g.machine(t, name, Cone), "owner-"+name); err != nil {
			t.Fatal(err)
		}
	}
	home := g.machine(t, "sub", Cone)
	if err := g.Submitter(t.Context(), home, "sue"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	took, err := g.Submit(ctx, home, Job{Tasks: 12, Input: 2 << 20, Result: 3 << 20})
	t.Logf("the job took %v", took)
	if err != nil {
		t.Fatalf("%v\n%s", err, g.Log("w1"))
	}
}
