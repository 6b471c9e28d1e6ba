package worker

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/worker/control"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// sensed is a machine that does what a test says.
type sensed struct {
	battery bool
	cpu     limits.CPU
	line    error
	err     error
	asked   int
}

func (s *sensed) Power() (limits.Power, error) {
	s.asked++
	return limits.Power{Battery: s.battery}, s.err
}

func (s *sensed) CPU() (limits.CPU, error) { return s.cpu, s.err }

func (s *sensed) Line() error { return s.line }

// go1s lets a second pass in which others use so much of two processors.
func (s *sensed) go1s(percent int) {
	s.cpu.Total += 2 * time.Second
	s.cpu.Used += time.Duration(percent) * 2 * time.Second / 100
}

// calls is a pausable that notes what it is told.
type calls struct {
	list []string
	err  error
}

func (c *calls) Pause(reason string) error { c.list = append(c.list, "+"+reason); return c.err }

func (c *calls) Resume(reason string) error { c.list = append(c.list, "-"+reason); return c.err }

var silent = slog.New(slog.DiscardHandler)

// somebody has a name, which is all that a status needs.
func somebody(t *testing.T) *identity.Directory {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return &identity.Directory{Identity: &identity.Identity{Key: key}}
}

func reasonsOf(w *Worker) (list []string) {
	for _, p := range w.Status().Pauses {
		list = append(list, p.Reason)
	}
	return list
}

// stands says whether the slot starts nothing. Its command is no child: a slot
// that is open fails at once.
func stands(t *testing.T, s *sandbox.Slot) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Run(ctx, sandbox.Task{Module: "m", ModuleID: strings.Repeat("a", 64), Time: time.Second, Memory: 1 << 20, Output: 1})
	if err == nil || !errors.Is(err, context.DeadlineExceeded) && !strings.Contains(err.Error(), "start sandbox child") {
		t.Fatalf("run: %v", err)
	}
	return errors.Is(err, context.DeadlineExceeded)
}

func TestTheMachinePausesAndResumesSlots(t *testing.T) {
	w, _ := newWorker(t)
	slot, err := sandbox.NewSlot(sandbox.Config{Command: []string{"/nowhere/child"}, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(slot.Close)
	w.slots, w.base.Directory = []*sandbox.Slot{slot}, somebody(t)
	s := &sensed{}
	y := newYielder(limits.Yield{Battery: true, WhenIdle: true}, s, w, silent)
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.Local)
	pass := func(seconds, percent int) {
		for range seconds {
			now = now.Add(time.Second)
			s.go1s(percent)
			y.look(now)
		}
	}
	expect := func(what string, want ...string) {
		t.Helper()
		if got := reasonsOf(w); !slices.Equal(got, want) || stands(t, slot) != (len(want) > 0) {
			t.Errorf("%s: paused for %q and standing %v; want %q", what, got, stands(t, slot), want)
		}
	}
	pass(10, 0)
	expect("mains and quiet")
	s.battery = true
	pass(5, 0)
	expect("unplugged", limits.OnBattery)
	pass(10, 80)
	expect("busy as well", limits.OnBattery, limits.IsBusy)
	if _, err := w.Do(control.Command{Do: control.DoPause, Reason: control.ByUser}); err != nil {
		t.Fatal(err)
	}
	s.battery, s.line = false, throttle.ErrSpent
	pass(60, 0)
	expect("plugged in, but the line is spent", control.ByUser, throttle.ErrSpent.Error())
	s.line = nil
	pass(1, 0)
	expect("plugged in and quiet, but the user wants it paused", control.ByUser)
	if _, err := w.Do(control.Command{Do: control.DoResume, Reason: control.ByUser}); err != nil {
		t.Fatal(err)
	}
	expect("the user has done with it")
}

func TestAReasonReplacesAnotherWithoutAGap(t *testing.T) {
	hours, err := limits.ParseHours("12:00-13:00")
	if err != nil {
		t.Fatal(err)
	}
	s, c := &sensed{}, &calls{}
	y := newYielder(limits.Yield{Battery: true, Hours: hours}, s, c, silent)
	now := time.Date(2026, 11, 25, 11, 59, 59, 0, time.UTC)
	y.look(now)
	s.battery = true
	y.look(now.Add(mainsEvery))
	y.look(now.Add(mainsEvery + time.Second))
	closed := "outside of its hours, until 12:00"
	if want := []string{"+" + closed, "+" + limits.OnBattery, "-" + closed}; !slices.Equal(c.list, want) {
		t.Errorf("told %q, want %q", c.list, want)
	}
}

func TestTheMainsAreAskedSeldom(t *testing.T) {
	s := &sensed{}
	y := newYielder(limits.Yield{Battery: true}, s, &calls{}, silent)
	for now := range 60 {
		y.look(time.Unix(int64(1e9+now), 0))
	}
	if s.asked != 12 {
		t.Errorf("asked %d times in a minute, want 12", s.asked)
	}
	s = &sensed{battery: true}
	c := &calls{}
	newYielder(limits.Yield{}, s, c, silent).look(time.Now())
	if s.asked != 0 || len(c.list) != 0 {
		t.Errorf("asked %d times for what does not matter, and told %q", s.asked, c.list)
	}
}

func TestWhatIsNotKnownIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	s, c := &sensed{err: errors.ErrUnsupported}, &calls{err: errors.New("it cannot be stopped")}
	y := newYielder(limits.Yield{Battery: true, WhenIdle: true}, s, c, slog.New(slog.NewTextHandler(&log, nil)))
	now := time.Unix(1e9, 0)
	for range 3 {
		now = now.Add(mainsEvery)
		y.look(now)
	}
	if strings.Count(log.String(), "whether the machine runs on battery") != 1 || strings.Count(log.String(), "whether the machine is idle") != 1 || len(c.list) != 0 {
		t.Errorf("told %q, log:\n%s", c.list, &log)
	}
	s.battery, s.err = true, nil
	y.look(now.Add(mainsEvery))
	if !slices.Equal(c.list, []string{"+" + limits.OnBattery}) || !strings.Contains(log.String(), "it cannot be stopped") {
		t.Errorf("told %q, log:\n%s", c.list, &log)
	}
}

// A worker whose line has carried all that is lent of it is paused, and says so, until
// the month turns.
func TestAMonthWhoseVolumeIsUsedUpIsAPause(t *testing.T) {
	w, c := newWorker(t)
	slot, err := sandbox.NewSlot(sandbox.Config{Command: []string{"/nowhere/child"}, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(slot.Close)
	w.slots, w.base.Directory = []*sandbox.Slot{slot}, somebody(t)
	file := filepath.Join(t.TempDir(), "volume.json")
	synctest.Test(t, func(t *testing.T) {
		w.pauses = newPauses() // its channels belong to the bubble
		if w.base.Volume, err = throttle.OpenVolume(throttle.VolumeConfig{Limit: 10, File: file}); err != nil {
			t.Fatal(err)
		}
		u := w.Volume()
		y := newYielder(limits.Yield{}, w.machineSenses(), w, silent)
		ctx, cancel := context.WithCancel(t.Context())
		var loops sync.WaitGroup
		loops.Go(func() { y.run(ctx) })
		loops.Go(func() { w.offers(ctx) })
		time.Sleep(2 * lookEvery)
		if r := reasonsOf(w); len(r) != 0 {
			t.Errorf("paused before the volume is used: %q", r)
		}
		w.base.Volume.Add(10)
		time.Sleep(2 * lookEvery)
		before := c.offers.Load()
		time.Sleep(time.Until(u.Until) - time.Second)
		if r := reasonsOf(w); len(r) != 1 || !strings.Contains(r[0], "monthly volume is used up until "+u.Until.Format(time.DateOnly)) {
			t.Errorf("reasons %q past the volume", r)
		}
		if n := c.offers.Load() - before; n != 0 {
			t.Errorf("%d offers past the volume", n)
		}
		if c.speak(w); !c.beat.GetPaused() {
			t.Errorf("beat %v; want it paused", c.beat)
		}
		time.Sleep(2*time.Second + 2*lookEvery)
		if r := reasonsOf(w); len(r) != 0 {
			t.Errorf("the new month is paused: %q", r)
		}
		cancel()
		loops.Wait()
	})
}
