// Command trust prints how many wrong results get past each policy of trust,
// for several shares and kinds of liars, and at what cost, and plots it.
//
//	go run ./internal/lab/bench/trust [-seeds 3] [-max-error 1e-4] [-plot docs/trust.png]
//	go run ./internal/lab/bench/trust -adversaries [-seeds 3] [-max-error 1e-3]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/anthill-grid/anthill/internal/lab/simgrid"
)

func main() {
	b := bench{base: simgrid.Default()}
	flag.IntVar(&b.seeds, "seeds", 3, "jobs to play for each figure")
	flag.IntVar(&b.base.Workers, "workers", b.base.Workers, "workers of the grid")
	flag.IntVar(&b.base.Tasks, "tasks", b.base.Tasks, "tasks of a job")
	flag.Float64Var(&b.base.MaxError, "max-error", b.base.MaxError, "what credibility is asked for")
	adversaries := flag.Bool("adversaries", false, "instead, what liars who see, wait and remember get past credibility")
	plot := flag.String("plot", "", "write a plot to this `file` (PNG)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	run := func() error { return b.run(ctx, *plot) }
	if *adversaries {
		run = func() error { return b.adversaries(ctx) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench-trust:", err)
		os.Exit(1)
	}
}

var (
	shares = []float64{.05, .2, .35}
	cheats = []float64{.002, .01, .02, .05, .1, .5, 1}
)

// kind is a way to lie.
type kind struct {
	name string
	set  func(*simgrid.Config)
}

var kinds = []kind{
	{"colluding", func(*simgrid.Config) {}},
	{"independent", func(c *simgrid.Config) { c.Independent = true }},
	{"sleeper", func(c *simgrid.Config) { c.Sleeper = 20 }},
	{"sybil", func(c *simgrid.Config) { c.Sybil = true }},
}

type bench struct {
	base  simgrid.Config
	seeds int
}

// point is one figure of the table. kind and policy are places in kinds and
// simgrid.Policies.
type point struct {
	kind, policy int
	simgrid.Outcome
}

func (b *bench) run(ctx context.Context, plot string) error {
	if b.seeds < 1 {
		return fmt.Errorf("seeds: %d is less than 1", b.seeds)
	}
	if err := b.base.Check(); err != nil {
		return err
	}
	points, err := b.table(ctx)
	if err != nil || plot == "" {
		return err
	}
	return writePlot(plot, points, b.base.MaxError)
}

// table prints a line for each kind of liars, as soon as it is known.
func (b *bench) table(ctx context.Context) ([]point, error) {
	fmt.Printf("%d tasks on %d workers, %d seeds: share of wrong results at executions per task; max error %g\n\n",
		b.base.Tasks, b.base.Workers, b.seeds, b.base.MaxError)
	fmt.Print("| liars | f | cheat |")
	for _, p := range simgrid.Policies {
		fmt.Printf(" %s |", p)
	}
	fmt.Println("\n|---|---|---|---|---|---|---|")
	var points []point
	for k := range kinds {
		for _, share := range shares {
			for _, cheat := range cheats {
				row, err := b.row(ctx, k, share, cheat)
				if err != nil {
					return nil, err
				}
				points = append(points, row...)
			}
		}
	}
	return points, nil
}

func (b *bench) row(ctx context.Context, k int, share, cheat float64) ([]point, error) {
	fmt.Printf("| %s | %g | %g |", kinds[k].name, share, cheat)
	var points []point
	for i, policy := range simgrid.Policies {
		cfg := b.base
		cfg.Liars, cfg.Cheat, cfg.Policy = share, cheat, policy
		cfg.Saboteurs = max(cfg.Saboteurs, share) // the bound is promised for no more
		kinds[k].set(&cfg)
		out, err := simgrid.RunSeeds(ctx, cfg, 1, b.seeds, nil)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", kinds[k].name, policy, err)
		}
		points = append(points, point{k, i, out})
		fmt.Printf(" %s at %.2f |", rate(out), out.Redundancy())
	}
	fmt.Println()
	return points, nil
}

// adversaries prints for each adversary the rate of cheating that gets most past the grid,
// and the one that costs most.
func (b *bench) adversaries(ctx context.Context) error {
	fmt.Printf("%d tasks on %d workers, %d seeds, f %g; max error %g\n\n", b.base.Tasks, b.base.Workers, b.seeds, b.base.Liars, b.base.MaxError)
	fmt.Println("| adversary | wrong / max error, worst | at cheat | executions, worst | at cheat | honest banned |\n|---|---|---|---|---|---|")
	for _, a := range simgrid.Adversaries {
		var wrong, cost simgrid.Outcome
		var wrongAt, costAt float64
		honest := 0
		for _, cheat := range cheats {
			cfg := b.base
			cfg.Adversary, cfg.Cheat = a, cheat
			out, err := simgrid.RunSeeds(ctx, cfg, 1, b.seeds, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", a, err)
			}
			honest += out.HonestBanned
			if wrong.Jobs == 0 || out.ErrorRate() > wrong.ErrorRate() {
				wrong, wrongAt = out, cheat
			}
			if out.Redundancy() > cost.Redundancy() {
				cost, costAt = out, cheat
			}
			if a == simgrid.Best || a == simgrid.HitAndRun {
				break // they choose for themselves
			}
		}
		fmt.Printf("| %s | %.2f | %g | %.3f | %g | %d |\n", a, wrong.ErrorRate()/b.base.MaxError, wrongAt, cost.Redundancy(), costAt, honest)
	}
	return nil
}

func rate(o simgrid.Outcome) string {
	if o.Wrong == 0 {
		return "0"
	}
	return fmt.Sprintf("%.1e", o.ErrorRate())
}
