// Command sandbox measures on this machine, in one run, what it costs to run a
// guest in the sandbox instead of natively or on wazero alone: for programs in
// several languages, and for the way of a task through the child process.
//
//	go run ./internal/lab/bench/sandbox [--guests sieve,json] [--rounds 3] [--json]
//
// Variants take turns, each keeps its best round, and what counts is CPU time
// (user and system, of the process that runs the guest) where the system tells
// it, else time on the clock. All of them run with the low priority of a slot's
// child. Compare ratios only.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

func main() {
	var err error
	switch {
	case len(os.Args) > 1 && os.Args[1] == childMode:
		err = sandbox.ChildMain(os.Stdin, os.Stdout)
	case len(os.Args) > 1 && os.Args[1] == bareMode:
		err = bareMain(os.Args[2:])
	default:
		err = benchMain()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-sandbox:", err)
		os.Exit(1)
	}
}

func benchMain() error {
	names := flag.String("guests", "", "measure these only, separated by commas")
	rounds := flag.Int("rounds", 3, "runs of each guest and variant, of which the best counts")
	asJSON := flag.Bool("json", false, "print one JSON object")
	flag.Parse()
	chosen, err := choose(*names)
	if err != nil {
		return err
	}
	if *rounds < 1 {
		return fmt.Errorf("rounds: %d is less than 1", *rounds)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b, err := newBench(ctx, *rounds)
	if err != nil {
		return err
	}
	r, err := b.run(ctx, chosen)
	if err := errors.Join(err, os.RemoveAll(b.dir)); err != nil {
		return err
	}
	if *asJSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return r.print(os.Stdout)
}

// choose picks guests by name, all of them if there are no names.
func choose(names string) ([]guests.Guest, error) {
	all := guests.All()
	if names == "" {
		return all, nil
	}
	var chosen []guests.Guest
	for name := range strings.SplitSeq(names, ",") {
		at := slices.IndexFunc(all, func(g guests.Guest) bool { return g.Name == name })
		if at < 0 {
			return nil, fmt.Errorf("guests: there is no %q", name)
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

// bench is what all measurements share.
type bench struct {
	exe    string     // this program
	dir    string     // goes away at the end
	idle   background // starts what is compared with slots
	rounds int
	began  time.Time
	tools  map[guests.Language]*guests.Toolchain
	skips  []string // why a language is missing
}

func newBench(ctx context.Context, rounds int) (*bench, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "anthill-bench-sandbox-")
	if err != nil {
		return nil, err
	}
	b := &bench{exe: exe, dir: dir, idle: newBackground(), rounds: rounds, began: time.Now(), tools: map[guests.Language]*guests.Toolchain{}}
	for _, language := range guests.Languages {
		tools, err := guests.Find(ctx, language)
		if err != nil {
			b.skips = append(b.skips, fmt.Sprintf("%s: %v", language, err))
			continue
		}
		b.tools[language] = tools
	}
	return b, nil
}

func (b *bench) run(ctx context.Context, chosen []guests.Guest) (*result, error) {
	r := &result{Rounds: b.rounds, Skipped: b.skips}
	for _, g := range chosen {
		for _, language := range guests.Languages {
			if b.tools[language] == nil || g.Sizes[language] == 0 {
				continue
			}
			fmt.Fprintf(os.Stderr, "bench-sandbox: %s in %s\n", g.Name, language)
			row, err := b.measure(ctx, g, language)
			if err != nil {
				return nil, fmt.Errorf("%s in %s: %w", g.Name, language, err)
			}
			r.Guests = append(r.Guests, row)
		}
	}
	r.summarize()
	fmt.Fprintln(os.Stderr, "bench-sandbox: the way of a task")
	return r, b.measureWay(ctx, r)
}

// module builds a guest for a variant.
func (b *bench) module(ctx context.Context, language guests.Language, name string, v variant) (string, error) {
	dir := filepath.Join(b.dir, v.key)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return b.tools[language].Module(ctx, name, dir)
}
