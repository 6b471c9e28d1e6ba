package worker

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/machine"
)

// How often to look at the machine. The mains are asked less often, since on
// macOS that starts a program.
const (
	lookEvery  = time.Second
	mainsEvery = 5 * time.Second
)

// senses tell what the machine does, and its line.
type senses interface {
	Power() (limits.Power, error)
	CPU() (limits.CPU, error)
	// Line is nil while it may carry more this month, or says why not.
	Line() error
}

// lentMachine has the senses of a worker's machine.
type lentMachine struct {
	*machine.Machine
	volume *throttle.Volume
}

// Power implements senses.
func (m lentMachine) Power() (limits.Power, error) { return machine.Power() }

// Line implements senses.
func (m lentMachine) Line() error { return m.volume.Err() }

// pausable is what yields: the Worker.
type pausable interface {
	Pause(reason string) error
	Resume(reason string) error
}

// yielder pauses a worker while the donor needs the machine. It takes away only
// the reasons that it gave.
type yielder struct {
	yield   limits.Yield
	watch   *limits.Watch
	senses  senses
	worker  pausable
	logger  *slog.Logger
	reasons []string // that hold now
	power   limits.Power
	asked   time.Time // when power was known
	deaf    map[string]bool
}

func newYielder(y limits.Yield, s senses, w pausable, l *slog.Logger) *yielder {
	return &yielder{yield: y, watch: limits.NewWatch(y), senses: s, worker: w, logger: l, deaf: map[string]bool{}}
}

// machineSenses look at this machine; the slots' children are the worker's own.
func (w *Worker) machineSenses() senses {
	return lentMachine{machine.New(func() []int {
		var children []int
		for _, s := range w.slots {
			if pid := s.PID(); pid != 0 {
				children = append(children, pid)
			}
		}
		return children
	}), w.base.Volume}
}

// run looks until ctx ends.
func (y *yielder) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			y.look(now)
		case <-ctx.Done():
			return
		}
	}
}

// look pauses the worker for new reasons and takes the old ones away, in this
// order: one that replaces another lets nothing run in between.
func (y *yielder) look(now time.Time) {
	reasons := y.watch.Reasons(y.read(now))
	for _, reason := range reasons {
		if !slices.Contains(y.reasons, reason) {
			y.note("failed to pause every running task", reason, y.worker.Pause(reason))
		}
	}
	for _, reason := range y.reasons {
		if !slices.Contains(reasons, reason) {
			y.note("failed to resume every paused task", reason, y.worker.Resume(reason))
		}
	}
	y.reasons = reasons
}

func (y *yielder) note(failure, reason string, err error) {
	if err != nil {
		y.logger.Warn(failure, "reason", reason, "error", err)
	}
}

// read asks only for what the donor wants the worker to yield to.
func (y *yielder) read(now time.Time) limits.Readings {
	r := limits.Readings{Now: now, Spent: y.senses.Line()}
	if y.yield.Battery {
		if now.Sub(y.asked) >= mainsEvery {
			var err error
			y.power, err = y.senses.Power()
			y.heard("whether the machine runs on battery", err)
			y.asked = now
		}
		r.Power = y.power
	}
	if y.yield.WhenIdle {
		var err error
		r.CPU, err = y.senses.CPU()
		y.heard("whether the machine is idle", err)
	}
	return r
}

// heard tells once when something is not known.
func (y *yielder) heard(what string, err error) {
	if err != nil && !y.deaf[what] {
		y.logger.Warn("failed to find out "+what+": the worker does not pause for it", "error", err)
	}
	y.deaf[what] = err != nil
}
