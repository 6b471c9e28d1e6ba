package main

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/anthill-grid/anthill/internal/lab/simgrid"
)

// noneWrong is where the logarithmic axis shows figures without any error.
const noneWrong = 1e-6

// colours are those of Okabe and Ito, which colour-blind people tell apart; by
// policy.
var colours = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{230, 159, 0, 255}, color.RGBA{0, 158, 115, 255}, color.RGBA{213, 94, 0, 255},
}

// shapes are by kind of liars.
var shapes = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}, draw.CrossGlyph{}}

// writePlot draws error rate against executions per task.
func writePlot(path string, points []point, maxError float64) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("What liars get past each policy (max error %g)", maxError)
	p.X.Label.Text, p.Y.Label.Text = "executions per task", "share of wrong results"
	p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.ConstantTicks(rateTicks())
	p.Y.Min, p.Y.Max, p.X.Min = noneWrong/2, 1, 1
	p.Legend.Top, p.Legend.Left = true, false
	p.Add(plotter.NewGrid(), asked(maxError))
	if err := addPoints(p, points); err != nil {
		return fmt.Errorf("plot %s: %w", path, err)
	}
	if err := p.Save(18*vg.Centimeter, 13*vg.Centimeter, path); err != nil {
		return fmt.Errorf("plot %s: %w", path, err)
	}
	return nil
}

// addPoints draws those of the first policy last, on top of the others.
func addPoints(p *plot.Plot, points []point) error {
	for policy := len(simgrid.Policies) - 1; policy >= 0; policy-- {
		for kind := range kinds {
			s, err := plotter.NewScatter(where(points, kind, policy))
			if err != nil {
				return err
			}
			s.GlyphStyle = draw.GlyphStyle{Color: colours[policy], Radius: vg.Points(3), Shape: shapes[kind]}
			p.Add(s)
			if kind == 0 {
				p.Legend.Add(string(simgrid.Policies[policy]), s)
			}
		}
	}
	for kind := range kinds {
		p.Legend.Add(kinds[kind].name, &plotter.Scatter{
			GlyphStyle: draw.GlyphStyle{Color: color.Gray{96}, Radius: vg.Points(3), Shape: shapes[kind]},
		})
	}
	return nil
}

func where(points []point, kind, policy int) plotter.XYs {
	var list plotter.XYs
	for _, p := range points {
		if p.kind == kind && p.policy == policy {
			list = append(list, plotter.XY{X: p.Redundancy(), Y: max(p.ErrorRate(), noneWrong)})
		}
	}
	return list
}

// asked is a line at the error rate that credibility was asked for.
func asked(maxError float64) *plotter.Function {
	f := plotter.NewFunction(func(float64) float64 { return maxError })
	f.Dashes = []vg.Length{vg.Points(4), vg.Points(3)}
	return f
}

func rateTicks() []plot.Tick {
	ticks := []plot.Tick{{Value: noneWrong, Label: "none"}}
	for rate := 10 * noneWrong; rate < 2; rate *= 10 {
		ticks = append(ticks, plot.Tick{Value: rate, Label: fmt.Sprintf("%.0e", math.Pow10(int(math.Round(math.Log10(rate)))))})
	}
	return ticks
}
