//go:build linux

// Command home measures what routers cost: real processes, each behind a router of its own
// in network namespaces. It takes root, iproute2 and nftables.
//
//	go run ./internal/lab/bench/home --anthill bin/anthill
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"

	"github.com/anthill-grid/anthill/internal/lab/homes"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if len(os.Args) > 1 && os.Args[1] == peerMode {
		err = runPeer(ctx, os.Args[2:])
	} else {
		err = run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-home:", err)
		os.Exit(1)
	}
}

// report is all that was measured.
type report struct {
	Pairs  []pair                   `json:"pairs,omitempty"`
	Cones  *cones                   `json:"cones,omitempty"`
	Job    map[homes.Kind]jobFigure `json:"job,omitempty"`
	Sleeps *sleepFigure             `json:"sleeps,omitempty"`
}

// pair is a blob that went from a machine behind one router to one behind another.
type pair struct {
	A       homes.Kind `json:"a"`
	B       homes.Kind `json:"b"`
	Path    string     `json:"path"` // by which the most bytes came; "" if none did
	Seconds float64    `json:"seconds"`
	Ratio   float64    `json:"throughput_ratio"` // to that between two machines without routers
	rate    float64
}

// cones are many tries of two cones to reach each other.
type cones struct {
	Tries   int     `json:"tries"`
	Punched int     `json:"punched"`
	Median  float64 `json:"median_seconds"`
}

// jobFigure is a whole job with all but the coordinators behind a kind of router.
type jobFigure struct {
	Seconds float64 `json:"seconds"`
	Ratio   float64 `json:"seconds_ratio"` // to that without routers
	Relayed float64 `json:"relayed_share"` // of the workers' bytes
}

// bench is what is to be measured.
type bench struct {
	anthill string
	mbit    int
	size    int
	tries   int
	kinds   []homes.Kind  // of whole jobs
	naps    int           // of a worker
	nap     time.Duration // each
	log     io.Writer
}

// part is one thing that can be measured.
type part struct {
	name string
	run  func(bench, context.Context, *report) error
}

var parts = []part{
	{"pairs", bench.pairs},
	{"job", bench.allJobs},
	{"sleeps", bench.sleeps},
}

// usual are the parts that are measured if none are named: sleeping takes 40 minutes.
func usual() (names []string) {
	for _, p := range parts {
		if p.name != "sleeps" {
			names = append(names, p.name)
		}
	}
	return names
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	b := bench{log: stderr}
	flags := pflag.NewFlagSet("bench-home", pflag.ContinueOnError)
	flags.StringVar(&b.anthill, "anthill", "bin/anthill", "the binary to measure")
	flags.IntVar(&b.mbit, "line", 32, "megabits a second of each home's line, up and down")
	flags.IntVar(&b.size, "size", 8<<20, "bytes that go from one home to another")
	flags.IntVar(&b.tries, "tries", 20, "times that two cones try to reach each other")
	flags.IntVar(&b.naps, "sleeps", 25, "times that a worker falls asleep")
	flags.DurationVar(&b.nap, "sleep", 90*time.Second, "how long it sleeps each time")
	only := flags.StringSlice("only", usual(), "what to measure: pairs, job, sleeps")
	kinds := flags.StringSlice("jobs", []string{"cone", "symmetric", "no-udp"}, "kinds of homes from which whole jobs are run, beside open ones")
	asJSON := flags.Bool("json", false, "print one JSON object")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b.kinds = []homes.Kind{homes.Open}
	for _, k := range *kinds {
		if !slices.Contains(homes.Kinds, homes.Kind(k)) {
			return fmt.Errorf("--jobs %s: want some of %v", k, homes.Kinds)
		}
		b.kinds = append(b.kinds, homes.Kind(k))
	}
	var r report
	for _, name := range *only {
		i := slices.IndexFunc(parts, func(p part) bool { return p.name == name })
		if i < 0 {
			return fmt.Errorf("--only %s: there is nothing of that name", name)
		}
		if err := parts[i].run(b, ctx, &r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if *asJSON {
		return json.NewEncoder(stdout).Encode(r)
	}
	return r.write(stdout, b.kinds)
}

// write is for people: what was not measured is left out.
func (r report) write(out io.Writer, kinds []homes.Kind) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(r.Pairs) > 0 {
		fmt.Fprintln(w, "FROM\tTO\tPATH\tSECONDS\tTHROUGHPUT")
		for _, p := range r.Pairs {
			fmt.Fprintf(w, "%s\t%s\t%s\t%.2f\t%.2f\n", p.A, p.B, p.Path, p.Seconds, p.Ratio)
		}
	}
	if c := r.Cones; c != nil {
		fmt.Fprintf(w, "\ncone to cone: %d of %d punched, median %.2f s\n", c.Punched, c.Tries, c.Median)
	}
	if r.Job != nil {
		fmt.Fprintln(w, "\nJOB FROM\tSECONDS\tRATIO\tRELAYED")
		for _, kind := range kinds {
			f := r.Job[kind]
			fmt.Fprintf(w, "%s\t%.1f\t%.2f\t%.2f\n", kind, f.Seconds, f.Ratio, f.Relayed)
		}
	}
	if s := r.Sleeps; s != nil {
		fmt.Fprintf(w, "\n%d sleeps of %.0f s, %d in the middle of a task: %d of %d jobs failed, back after %.1f s at most, reliability %.2f at the end and never less than %.2f\n",
			s.Sleeps, s.Seconds, s.Working, s.Failed, s.Jobs, s.Back, s.Reliability, s.Least)
	}
	return w.Flush()
}

// found makes a grid in a lab of its own; end takes both away.
func (b bench) found(ctx context.Context) (g *homes.Grid, end func() error, err error) {
	lab, err := homes.New()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "bench-home")
	if err != nil {
		return nil, nil, err
	}
	g = &homes.Grid{Exe: b.anthill, Dir: dir, Lab: lab}
	end = func() error {
		g.Close()
		if err := lab.Close(); err != nil {
			return err
		}
		return os.RemoveAll(dir)
	}
	if err := g.Found(ctx); err != nil {
		_ = end() // the first error says more
		return nil, nil, err
	}
	return g, end, nil
}

// machine is one behind a line of the usual rate.
func (b bench) machine(g *homes.Grid, name string, kind homes.Kind) (*homes.Machine, error) {
	m, err := g.Lab.Machine(name, kind)
	if err != nil {
		return nil, err
	}
	return m, m.Limit(b.mbit)
}

// tryTime is how long a pair may take.
const tryTime = time.Minute
