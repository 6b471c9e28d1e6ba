package worker

import (
	"context"
	"strings"
	"testing"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/control"
)

func TestPausesAreASetOfReasons(t *testing.T) {
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	p := newPauses()
	if p.any() || p.awake().Err() != nil || !p.quietSince(at(1)) {
		t.Error("paused without a reason")
	}
	if !p.add("user", at(10)) || p.add("user", at(11)) || p.add("battery", at(12)) {
		t.Error("only the first reason pauses")
	}
	list := p.list()
	if len(list) != 2 || list[0] != (control.Pause{Reason: "user", Since: at(10)}) || list[1].Reason != "battery" {
		t.Errorf("reasons %v", list)
	}
	if p.awake().Err() == nil || p.quietSince(at(13)) {
		t.Error("awake during a pause")
	}
	ended := make(chan struct{})
	go func() { p.wait(context.Background()); close(ended) }()
	if p.remove("heat", at(20)) || p.remove("user", at(21)) || !p.any() {
		t.Error("it went on although a reason is left")
	}
	if !p.remove("battery", at(22)) || p.remove("battery", at(23)) || p.any() || p.awake().Err() != nil {
		t.Error("it did not go on when the last reason went")
	}
	<-ended
	if p.quietSince(at(21)) || !p.quietSince(at(30)) {
		t.Error("the pause until 22 is forgotten, or counts later")
	}
	p.add("user", at(40))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p.wait(ctx) // returns
}

func TestAPauseGivesBackWhatHasNotStarted(t *testing.T) {
	w, c := newWorker(t)
	running := w.leases.add(t.Context(), &anthillv1.Lease{Id: 1})
	w.leases.start(1)
	w.leases.add(t.Context(), &anthillv1.Lease{Id: 2})
	for range 2 { // the second says the same
		if err := w.Pause(control.ByUser); err != nil {
			t.Fatal(err)
		}
	}
	if batch, _ := w.reports.cut(); len(batch) != 1 || batch[0].GetLease() != 2 ||
		batch[0].GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED || !strings.Contains(batch[0].GetReason(), "paused") {
		t.Errorf("reports %v, want that lease 2 is lost", batch)
	}
	w.reports.handedIn()
	w.leases.drop(2)
	if c.speak(w); !c.beat.GetPaused() || len(c.beat.GetLeases()) != 1 || running.Err() != nil {
		t.Errorf("beat %v; want lease 1 alive, and paused", c.beat)
	}
	if err := w.Resume(control.ByUser); err != nil {
		t.Fatal(err)
	}
	if c.speak(w); c.beat.GetPaused() {
		t.Errorf("beat %v; want it not paused", c.beat)
	}
}
