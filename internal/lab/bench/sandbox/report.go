package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
)

// result is all that was measured. Ratios are of CPU time, and a mean is the
// geometric one over all guests and languages.
type result struct {
	Rounds int `json:"rounds"`
	// NativeGeomean is wazero alone against native; all others are against
	// wazero alone.
	NativeGeomean      float64 `json:"native_geomean"`
	BareRatio          float64 `json:"bare_ratio"`
	ContextDoneGeomean float64 `json:"context_done_geomean"`
	NaNDepthGeomean    float64 `json:"nan_depth_geomean,omitempty"`
	FuelGeomean        float64 `json:"fuel_geomean,omitempty"`
	FuelWorst          float64 `json:"fuel_worst,omitempty"`
	way
	Guests []row `json:"guests"`
	// Skipped says why a language was not measured.
	Skipped []string `json:"skipped,omitempty"`
}

func (r *result) summarize() {
	r.NativeGeomean, _ = r.mean(bare, native)
	r.BareRatio, _ = r.mean(ours, bare)
	r.ContextDoneGeomean, _ = r.mean(contextDone, bare)
	r.NaNDepthGeomean, _ = r.mean(nanDepth, bare)
	r.FuelGeomean, r.FuelWorst = r.mean(fuel, bare)
}

// mean compares two variants over all guests: the geometric mean and the worst
// ratio.
func (r *result) mean(key, base string) (mean, worst float64) {
	sum := 0.0
	for _, g := range r.Guests {
		ratio := g.Seconds[key] / g.Seconds[base]
		sum += math.Log(ratio)
		worst = max(worst, ratio)
	}
	return math.Exp(sum / float64(len(r.Guests))), worst
}

// print writes the tables, with a line for each figure.
func (r *result) print(w io.Writer) error {
	var text strings.Builder
	fmt.Fprintf(&text, "CPU time of each guest, the best of up to %d rounds: of wazero alone in seconds, of the others as a multiple of it.\n\n", r.Rounds)
	r.printGuests(&text)
	fmt.Fprintln(&text)
	for _, v := range variants() {
		fmt.Fprintf(&text, "%-14s%s\n", v.key, v.what)
	}
	fmt.Fprintln(&text)
	for _, f := range r.figures() {
		if !math.IsNaN(f.value) && f.value > 0 {
			fmt.Fprintf(&text, "%-22s%10.3f  %s\n", f.key, f.value, f.what)
		}
	}
	for _, skip := range r.Skipped {
		fmt.Fprintf(&text, "not measured: %s\n", skip)
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func (r *result) printGuests(w io.Writer) {
	fmt.Fprint(w, "| guest | language |")
	for _, v := range variants() {
		fmt.Fprintf(w, " %s |", v.key)
	}
	fmt.Fprintf(w, "\n|---|---|%s\n", strings.Repeat("---|", len(variants())))
	for _, g := range r.Guests {
		fmt.Fprintf(w, "| %s | %s |", g.Guest, g.Language)
		for _, v := range variants() {
			if v.key == bare {
				fmt.Fprintf(w, " %.2f s |", g.Seconds[bare])
				continue
			}
			fmt.Fprintf(w, " %.2f |", g.Seconds[v.key]/g.Seconds[bare])
		}
		fmt.Fprintln(w)
	}
}

type figure struct {
	key   string
	value float64
	what  string
}

func (r *result) figures() []figure {
	return append([]figure{
		{"native_geomean", r.NativeGeomean, "wazero alone / native: the price of WASM"},
		{"bare_ratio", r.BareRatio, "a slot without rewriting / wazero alone: the price of the child process for tasks of about a second"},
		{"context_done_geomean", r.ContextDoneGeomean, "wazero with WithCloseOnContextDone / without: what we do not pay"},
		{"nan_depth_geomean", r.NaNDepthGeomean, "with equal NaNs and a bounded depth / wazero alone"},
		{"fuel_geomean", r.FuelGeomean, "with fuel as well / wazero alone"},
		{"fuel_worst", r.FuelWorst, "the same for the guest that it costs the most"},
	}, r.way.figures()...)
}

func (w way) figures() []figure {
	list := []figure{
		{"noop_c_ms", w.NoopC, "a C task that does nothing, through a warm child, in ms on the clock"},
		{"noop_c_bare_ms", w.NoopCBare, "the same instantiated on wazero alone"},
		{"noop_go_ms", w.NoopGo, "a Go task that does nothing: the start of its runtime"},
		{"noop_go_bare_ms", w.NoopGoBare, "the same on wazero alone"},
		{"noop_go_ratio", w.NoopGoRatio, "the one against the other"},
		{"tasks_per_second", w.TasksPerSecond, "no-op tasks of one slot"},
		{"warm_start_ms", w.WarmStart, "from a new slot to a Go guest's first instruction, with its code in the cache"},
		{"neighbour_ratio", w.Neighbour, "time on the clock of a guest while another slot runs an endless loop / alone"},
		{"neighbour_cpu_ratio", w.NeighbourCPU, "its CPU time in the same way"},
		{"pause_ms median", w.Pause.Median, "from the call that pauses until a guest that computes stands still"},
		{"  max", w.Pause.Max, "the longest of 40"},
		{"  cpu_max", w.Pause.CPU, "CPU time that it still had, at most"},
		{"pause_busy_ms median", w.PauseBusy.Median, "the same while programs of ordinary priority want all processors"},
		{"  max", w.PauseBusy.Max, "the longest of 40"},
		{"  cpu_max", w.PauseBusy.CPU, "CPU time that it still had, at most: while it waits for a processor it does not run"},
	}
	for _, language := range guests.Languages {
		list = append(list,
			figure{"compile_ms " + string(language), w.Compile[language].Cold, "compiling the json guest"},
			figure{"  from the cache", w.Compile[language].Cached, "reading it compiled from the disk"})
	}
	return list
}
