package worker

import (
	"testing"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/control"
)

func TestAPauseEndsByItself(t *testing.T) {
	w, _ := newWorker(t)
	w.base.Directory = somebody(t)
	if _, err := w.Do(control.Command{Do: control.DoPause, Reason: control.ByUser, Until: time.Now().Add(-time.Minute)}); err != nil {
		t.Fatal(err)
	}
	go w.endPauses(t.Context())
	until(t, "it goes on", func() bool { return !w.pauses.any() })
	end := time.Now().Add(time.Hour)
	s, err := w.Do(control.Command{Do: control.DoPause, Reason: control.ByUser, Until: end})
	if err != nil || s.Until == nil || !s.Until.Equal(end.Round(0)) {
		t.Errorf("until %v, %v", s.Until, err)
	}
	if w.wishes.over(end.Add(-time.Second)) {
		t.Error("it is over too early")
	}
	if s, err = w.Do(control.Command{Do: control.DoResume, Reason: control.ByUser}); err != nil || s.Until != nil || w.pauses.any() {
		t.Errorf("resumed: until %v, %v", s.Until, err)
	}
	if w.wishes.over(end.Add(time.Hour)) {
		t.Error("a pause that was ended by hand ends again")
	}
}

func TestADrainedWorkerFinishesWhatRuns(t *testing.T) {
	w, _ := newWorker(t)
	w.base.Directory = somebody(t)
	runs := w.leases.add(t.Context(), &anthillv1.Lease{Id: 1})
	w.leases.start(1)
	w.leases.add(t.Context(), &anthillv1.Lease{Id: 2})
	s, err := w.Do(control.Command{Do: control.DoDrain})
	if err != nil || !s.Draining || runs.Err() != nil {
		t.Errorf("status %+v, %v; what runs: %v", s, err, runs.Err())
	}
	batch := take(t, w.reports)
	if len(batch) != 1 || batch[0].GetLease() != 2 || batch[0].GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED {
		t.Errorf("reported %v", batch)
	}
	if s, err = w.Do(control.Command{Do: control.DoResume, Reason: control.ByUser}); err != nil || s.Draining {
		t.Errorf("resumed: %+v, %v", s, err)
	}
}
