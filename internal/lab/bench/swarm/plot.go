package main

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// draw plots the times against the number of peers, with the bound and with what
// a single server would take.
func draw(path string, results []result) error {
	p := plot.New()
	p.Title.Text = "Time until all have it"
	p.X.Label.Text, p.Y.Label.Text = "peers", "seconds"
	p.Y.Min = 0
	p.Legend.Top, p.Legend.Left = true, true
	var measured, bound, server plotter.XYs
	for _, r := range results {
		n := float64(r.Peers)
		measured = append(measured, plotter.XY{X: n, Y: r.Seconds})
		bound = append(bound, plotter.XY{X: n, Y: r.PieceBound})
		// One server sends N copies over the uplink of one peer.
		server = append(server, plotter.XY{X: n, Y: n * r.FluidBound})
	}
	if err := plotutil.AddLinePoints(p, "measured", measured, "lower bound (pieces)", bound, "single server", server); err != nil {
		return fmt.Errorf("draw %s: %w", path, err)
	}
	return p.Save(7*vg.Inch, 5*vg.Inch, path)
}
