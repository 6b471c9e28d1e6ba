package sandbox

import (
	"bufio"
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

func TestAGuestIsSeenToUseFuel(t *testing.T) {
	task := newTask(t, handmade.CallTree(60))
	task.Time = 2*fuelEvery + fuelEvery*3/4
	var mu sync.Mutex
	var heard []uint64
	task.FuelUsed = func(fuel uint64) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, fuel)
	}
	r, err := newSlot(t).Run(t.Context(), task)
	if err != nil || r.Status != TimedOut {
		t.Fatalf("%+v, %v", r, err)
	}
	mu.Lock()
	defer mu.Unlock()
	// On a busy machine it takes longer, and tells more often.
	if len(heard) < 1 || slices.Max(heard) < 1000 || !slices.IsSorted(heard) || slices.Max(heard) == slices.Min(heard) && len(heard) > 1 {
		t.Errorf("heard of %d units of fuel", heard)
	}
}

// What a child says of its fuel is checked like all that it says.
func TestFuelFramesAreChecked(t *testing.T) {
	for what, c := range map[string]struct {
		sent, want string
	}{
		"too long":  {"F\x09\x00\x00\x00123456789", "limit is 8"},
		"too short": {"F\x01\x00\x00\x001", "not a number"},
		"cut off":   {"F\x08\x00\x00\x001234", "unexpected EOF"},
	} {
		p := &process{reader: bufio.NewReader(strings.NewReader(c.sent))}
		if err := p.readFuel(nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
	var out bytes.Buffer
	(&child{out: bufio.NewWriter(&out)}).writeFuel(7)
	_ = writeFrame(&out, frameReport, nil)
	var fuel uint64
	p := &process{reader: bufio.NewReader(&out)}
	if err := p.readFuel(func(n uint64) { fuel = n }); err != nil || fuel != 7 {
		t.Errorf("heard of %d units of fuel, %v", fuel, err)
	}
}

// A child has nothing more to say of a guest when that has ended.
func TestWatchingEnds(t *testing.T) {
	gauges{}.watch(0, func(uint64) { t.Error("there is no gauge") })()
	task := newTask(t, handmade.Noop())
	task.FuelUsed = func(uint64) { t.Error("a short task tells") }
	s := newSlot(t)
	for end := time.Now().Add(fuelEvery + fuelEvery/2); time.Now().Before(end); {
		if _, err := s.Run(t.Context(), task); err != nil {
			t.Fatal(err)
		}
	}
}
