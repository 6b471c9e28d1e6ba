// Command swarm measures how fast one blob gets from one seed to many peers
// over slow uplinks, against the theory. It puts real anthill processes into
// network namespaces of their own; that takes Linux, root and iproute2.
//
//	go run ./internal/lab/bench/swarm --peers 1,2,4,8,16 --size 64MiB --uplink 32mbit
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/anthill-grid/anthill/sdk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench-swarm:", err)
		os.Exit(1)
	}
}

// setup is one measurement.
type setup struct {
	Peers  int
	Size   int64 // bytes
	Uplink rate
	Liars  int
	Kill   int
	// StopCoordinator kills it as soon as all receivers have begun.
	StopCoordinator bool
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := pflag.NewFlagSet("bench-swarm", pflag.ContinueOnError)
	peers := flags.IntSlice("peers", []int{8}, "receivers; several make a table")
	size := flags.String("size", "64MiB", "size of the blob")
	uplink := flags.String("uplink", "32mbit", "rate of each peer's uplink")
	liars := flags.Int("liars", 0, "receivers that serve garbage")
	kill := flags.Int("kill", 0, "receivers to kill when half of the time has passed")
	stopCoordinator := flags.Bool("stop-coordinators", false, "kill the coordinators once all have begun")
	asJSON := flags.Bool("json", false, "print one JSON object a line")
	plot := flags.String("plot", "", "draw the times against the bounds into this file (PNG)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	bytes, err := sdk.ParseSize(*size)
	if err != nil {
		return err
	}
	up, err := parseRate(*uplink)
	if err != nil {
		return err
	}
	if err := able(); err != nil {
		return err
	}
	bench, err := newBench(ctx, stderr)
	if err != nil {
		return err
	}
	defer bench.close()
	var results []result
	for _, n := range *peers {
		if n < 1 || n > 64 || *kill+*liars >= n {
			return fmt.Errorf("%d peers, %d of them killed and %d liars: want 1 to 64, and one to be left", n, *kill, *liars)
		}
		r, err := bench.measure(ctx, setup{Peers: n, Size: int64(bytes), Uplink: up, Kill: *kill, Liars: *liars, StopCoordinator: *stopCoordinator})
		if err != nil {
			return err
		}
		results = append(results, r)
		if err := show(stdout, r, *asJSON, len(results) == 1); err != nil {
			return err
		}
	}
	if *plot != "" {
		return draw(*plot, results)
	}
	return nil
}

// able says what is missing.
func able() error {
	if runtime.GOOS != "linux" {
		return errors.New("it needs Linux: network namespaces are what it measures in")
	}
	if os.Geteuid() != 0 {
		return errors.New("it needs root, to make network namespaces: run it with sudo")
	}
	for _, tool := range []string{"ip", "tc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("it needs %s: install iproute2 (Debian: apt-get install iproute2)", tool)
		}
	}
	return nil
}

// rate is in bits a second.
type rate float64

func parseRate(s string) (rate, error) {
	for _, unit := range []struct {
		name string
		bits float64
	}{{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}} {
		if number, ok := strings.CutSuffix(s, unit.name); ok {
			n, err := strconv.ParseFloat(number, 64)
			if err == nil && n > 0 {
				return rate(n * unit.bits), nil
			}
		}
	}
	return 0, fmt.Errorf("uplink %q: want a rate such as 32mbit, 500kbit or 1gbit", s)
}

func (r rate) String() string { return strconv.FormatFloat(float64(r)/1e6, 'g', -1, 64) + "mbit" }

func show(w io.Writer, r result, asJSON, first bool) error {
	if asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(w, string(line))
		return err
	}
	if first {
		fmt.Fprintln(w, "| peers | size | uplink | T s | fluid bound s | piece bound T* s | T/T* | goodput MB/s | seed sent / F | duplicates | wasted at worst | bad bytes | refusals | CPU s/GB |")
		fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	}
	_, err := fmt.Fprintf(w, "| %d | %s | %s | %.2f | %.2f | %.2f | %.3f | %.1f | %.3f | %.2f %% | %s | %d | %d | %.1f |\n",
		r.Peers, sdk.Size(r.Size), r.Uplink, r.Seconds, r.FluidBound, r.PieceBound, r.Ratio,
		float64(r.Peers)*float64(r.Size)/r.Seconds/1e6, r.SeedRatio, 100*r.Duplicates, sdk.Size(r.Wasted), r.BadBytes, r.Banned, r.CPU)
	return err
}

// bounded is a context for one command that should take no time.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 30*time.Second)
}
