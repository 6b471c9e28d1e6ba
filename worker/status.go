package worker

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/control"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/machine"
)

// Status is what the worker does now.
func (w *Worker) Status() control.Status {
	s := control.Status{
		Node: string(w.Node()), Grid: w.Grid(), Owner: w.Owner(), Address: w.Address(),
		Coordinator: w.session.Home(), Reserve: w.session.Reserve(),
		Pauses: w.pauses.list(), Slots: w.running.list(), Leases: w.leases.count(),
	}
	if p, err := machine.Power(); err == nil && p != (limits.Power{}) {
		s.Power = p.String()
	}
	s.Path = w.base.Paths.Standing().String()
	if since, why, silent := w.silence.Lasts(); silent {
		s.Silence = &control.Silence{Since: since, Why: why}
	}
	s.Lent, s.Earned, s.Work, s.Paths = w.lent(), w.earned.Load(), w.tally.list(), w.paths()
	w.wishes.tell(&s)
	if u := w.Volume(); u.Limit > 0 {
		s.Volume = &control.Volume{Used: u.Used, Limit: u.Limit, Until: u.Until}
	}
	return s
}

// lent are the donor's limits.
func (w *Worker) lent() *control.Lent {
	l := w.cfg.Lent
	return &control.Lent{
		Slots: l.Slots, Memory: l.Memory, Disk: l.Disk, Up: l.Traffic.Up, Down: l.Traffic.Down,
		Hours: l.Yield.Hours.String(), WhenIdle: l.Yield.WhenIdle, Battery: !l.Yield.Battery, Only: l.Owners.Only, Not: l.Owners.Not,
	}
}

// paths are the ways by which bytes went, the busiest first.
func (w *Worker) paths() (list []control.Path) {
	if w.base.Paths == nil {
		return nil
	}
	for p, t := range w.base.Paths.Traffic() {
		list = append(list, control.Path{Name: p.String(), In: t.In, Out: t.Out})
	}
	slices.SortFunc(list, func(a, b control.Path) int {
		return cmp.Or(cmp.Compare(b.In+b.Out, a.In+a.Out), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// Do implements control.Worker.
func (w *Worker) Do(c control.Command) (control.Status, error) {
	var err error
	switch c.Do {
	case control.DoPause:
		w.wishes.pauseUntil(c.Until)
		err = w.Pause(c.Reason)
	case control.DoResume:
		w.wishes.pauseUntil(time.Time{})
		w.wishes.drain(false)
		err = w.Resume(c.Reason)
	case control.DoDrain:
		w.Drain()
	case control.DoStatus:
	default:
		return control.Status{}, fmt.Errorf("control worker: it does not know what %q means", c.Do)
	}
	return w.Status(), err
}

// running is what each slot runs now.
type running struct {
	mu    sync.Mutex
	slots []control.Slot
}

func newRunning(slots int) *running { return &running{slots: make([]control.Slot, max(0, slots))} }

func (r *running) begin(slot int, lease *anthillv1.Lease, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[slot] = control.Slot{Job: lease.GetJobId(), Owner: lease.GetOwner(), Task: new(lease.GetTask()), Since: &now}
}

func (r *running) end(slot int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[slot] = control.Slot{}
}

func (r *running) list() []control.Slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.slots)
}
