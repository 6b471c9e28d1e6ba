package worker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/worker/control"
	"github.com/anthill-grid/anthill/worker/executor"
)

// Pause stops all work for a reason, at once: running tasks stand still and keep
// their leases, those that have not started go back to the grid. Each reason
// counts once, and the worker goes on when all are gone.
//
// An error tells that running tasks go on to their end, for lack of a way to
// stop them (Windows); nothing else starts all the same.
func (w *Worker) Pause(reason string) error {
	w.pausing.Lock()
	defer w.pausing.Unlock()
	if !w.pauses.add(reason, time.Now()) {
		return nil
	}
	var errs []error
	for _, s := range w.slots {
		errs = append(errs, s.Pause())
	}
	w.giveUp()
	w.cfg.Logger.Info("paused", "reason", reason)
	return errors.Join(errs...)
}

// Resume takes a reason to pause away. It is no error if there was none such.
func (w *Worker) Resume(reason string) error {
	w.pausing.Lock()
	defer w.pausing.Unlock()
	if !w.pauses.remove(reason, time.Now()) {
		return nil
	}
	var errs []error
	for _, s := range w.slots {
		errs = append(errs, s.Resume())
	}
	w.cfg.Logger.Info("resumed")
	return errors.Join(errs...)
}

// giveUp hands the leases back that have not started, for others to get.
func (w *Worker) giveUp() {
	for _, lease := range w.leases.giveUp() {
		w.reports.add(executor.Stopped(lease, errors.New("the worker was paused")))
	}
}

// pauses are the reasons for which the worker does not work now: it works when
// there is none.
type pauses struct {
	mu      sync.Mutex
	since   map[string]time.Time
	changed time.Time     // when it last was paused or went on
	resumed chan struct{} // closed when the last reason goes
	ctx     context.Context
	sleep   context.CancelFunc // ends ctx
}

func newPauses() *pauses {
	p := &pauses{since: map[string]time.Time{}}
	p.wake()
	return p
}

func (p *pauses) wake() {
	p.resumed = make(chan struct{})
	p.ctx, p.sleep = context.WithCancel(context.Background())
}

// add says whether this is the first reason.
func (p *pauses) add(reason string, now time.Time) (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.since[reason]; ok {
		return false
	}
	p.since[reason] = now
	if len(p.since) > 1 {
		return false
	}
	p.changed = now
	p.sleep()
	return true
}

// remove says whether this was the last reason.
func (p *pauses) remove(reason string, now time.Time) (last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.since[reason]; !ok {
		return false
	}
	delete(p.since, reason)
	if len(p.since) > 0 {
		return false
	}
	p.changed = now
	close(p.resumed)
	p.wake()
	return true
}

func (p *pauses) any() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.since) > 0
}

// list is in order of time.
func (p *pauses) list() []control.Pause {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := make([]control.Pause, 0, len(p.since))
	for reason, since := range p.since {
		list = append(list, control.Pause{Reason: reason, Since: since})
	}
	slices.SortFunc(list, func(a, b control.Pause) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Reason, b.Reason))
	})
	return list
}

// awake is a context that ends with the next pause; during one it has ended.
func (p *pauses) awake() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ctx
}

// wait returns when there is no reason left, or ctx ends.
func (p *pauses) wait(ctx context.Context) {
	for p.any() && ctx.Err() == nil {
		p.mu.Lock()
		resumed := p.resumed
		p.mu.Unlock()
		if !p.any() {
			return // it went on before the channel was looked at
		}
		select {
		case <-resumed:
		case <-ctx.Done():
		}
	}
}

// quietSince says whether all the time since then could be worked in.
func (p *pauses) quietSince(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.since) == 0 && p.changed.Before(t)
}
