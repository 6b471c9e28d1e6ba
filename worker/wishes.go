package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/worker/control"
	"github.com/anthill-grid/anthill/worker/executor"
)

// wishEvery is how often the worker looks whether a pause is over.
const wishEvery = time.Second

// wishes are what the donor has asked for besides a pause without an end.
type wishes struct {
	mu       sync.Mutex
	until    time.Time // when the user's pause ends by itself; zero: it does not
	draining bool
}

// pauseUntil notes when the user's pause ends; by the clock on the wall, since the machine
// may sleep meanwhile.
func (w *wishes) pauseUntil(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.until = t.Round(0)
}

// over says once that the pause has ended.
func (w *wishes) over(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.until.IsZero() || now.Round(0).Before(w.until) {
		return false
	}
	w.until = time.Time{}
	return true
}

func (w *wishes) drain(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining = on
}

func (w *wishes) drains() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.draining
}

// tell adds them to what is said of the worker.
func (w *wishes) tell(s *control.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.Draining = w.draining
	if !w.until.IsZero() {
		s.Until = new(w.until)
	}
}

// endPauses ends the user's pause when its time has come.
func (w *Worker) endPauses(ctx context.Context) {
	for ctx.Err() == nil {
		if w.wishes.over(time.Now()) {
			if err := w.Resume(control.ByUser); err != nil {
				w.cfg.Logger.Warn("failed to resume", "error", err)
			}
		}
		sleep(ctx, wishEvery)
	}
}

// Drain finishes what runs, gives back what has not started and takes nothing new.
func (w *Worker) Drain() {
	w.wishes.drain(true)
	w.giveBackForDrain()
	w.cfg.Logger.Info("draining: what runs is finished, and nothing new taken")
}

func (w *Worker) giveBackForDrain() {
	for _, lease := range w.leases.giveUp() {
		w.reports.add(executor.Stopped(lease, errors.New("the worker takes nothing new")))
	}
}
