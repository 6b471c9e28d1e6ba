//go:build linux

package homes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/doctor"
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

func TestHomes(t *testing.T) {
	g := start(t)
	t.Run("job", func(t *testing.T) { testJob(t, g) })
	t.Run("doctor", func(t *testing.T) { testDoctor(t, g) })
	t.Run("mapped", func(t *testing.T) { testMapped(t, g) })
}

// A job whose input and results are larger than what goes with a message ends, though
// its submitter and all workers are behind routers.
func testJob(t *testing.T, g *Grid) {
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

// The doctor knows the routers, and what others can dial.
func testDoctor(t *testing.T, g *Grid) {
	for voters := 0; voters < 3; time.Sleep(50 * time.Millisecond) {
		out, err := g.Run(t.Context(), g.coordinators[0], g.Operator(), "nodes", "-o", "json")
		if err != nil {
			t.Fatal(err)
		}
		voters = strings.Count(out, `"voter":true`) + strings.Count(out, `"voter": true`)
	}
	var examined sync.WaitGroup
	defer examined.Wait()
	token, err := g.Token(t.Context(), "worker", "ann")
	if err != nil {
		t.Fatal(err)
	}
	stranger := g.machine(t, "stranger", Cone)
	examined.Go(func() {
		out, err := g.Run(t.Context(), stranger, "", "doctor", "-o", "json", "--join", token)
		var r doctor.Report
		if err == nil {
			err = json.Unmarshal([]byte(out), &r)
		}
		if err != nil || r.Router != doctor.Cone || r.Public != stranger.Public || r.Path != "" || len(r.Coordinators) == 0 {
			t.Errorf("before it has joined: %v: %s", err, out)
		}
	})
	for i, c := range []struct {
		kind         Kind
		forward      bool
		router, path string
	}{
		{Open, false, doctor.NoRouter, "direct"},
		{Cone, false, doctor.Cone, "behind a router: punched"},
		{Cone, true, doctor.Cone, "direct"},
		{Symmetric, false, doctor.Symmetric, "behind a router: relayed"},
		{NoUDP, false, doctor.NoUDP, "behind a router: relayed"},
	} {
		m := g.machine(t, fmt.Sprintf("d%d", i), c.kind)
		if err := g.Submitter(t.Context(), m, "sue"); err != nil {
			t.Fatal(err)
		}
		args := []string{"doctor", "-o", "json", "--listen", ":7000"}
		if c.forward {
			if err := m.Forward(7000); err != nil {
				t.Fatal(err)
			}
		}
		examined.Go(func() {
			out, err := g.Run(t.Context(), m, "", args...)
			var r doctor.Report
			if err == nil {
				err = json.Unmarshal([]byte(out), &r)
			}
			if err != nil || r.Router != c.router || r.Public != m.Public && c.kind != NoUDP || !strings.HasPrefix(r.Path, c.path) || len(r.Coordinators) != 3 || r.ClockAhead == nil {
				t.Errorf("%s, forwarded %v: %v: %s", c.kind, c.forward, err, out)
			}
			for _, x := range r.Coordinators {
				if x.Path != "direct" || x.Milliseconds == 0 {
					t.Errorf("%s: coordinator %+v", c.kind, x)
				}
			}
		})
	}
}
