package limits

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/throttle"
)

func TestWhatCannotBeLent(t *testing.T) {
	for want, change := range map[string]func(*Lent){
		"":                func(*Lent) {},
		"0 slots":         func(l *Lent) { l.Slots = 0 },
		"1025 slots":      func(l *Lent) { l.Slots = 1025 },
		"7 bytes":         func(l *Lent) { l.Disk = 7 },
		"bytes of memory": func(l *Lent) { l.Memory = 1 << 20 },
		"want none belo":  func(l *Lent) { l.Traffic = throttle.Limits{Up: -1} },
	} {
		l := Default(Capacity{Processors: 4})
		change(&l)
		err := l.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", l, err, want)
		}
	}
}

func TestDefaultSlots(t *testing.T) {
	for _, c := range []struct {
		capacity Capacity
		want     int
	}{
		{Capacity{16, 64 << 30}, 15},
		{Capacity{16, 0}, 15},
		{Capacity{16, 8 << 30}, 6},
		{Capacity{16, 1 << 30}, 1},
		{Capacity{16, 1}, 1},
		{Capacity{2, 64 << 30}, 1},
		{Capacity{1, 64 << 30}, 1},
		{Capacity{}, 1},
		{Capacity{4096, 1 << 50}, MaxSlots},
	} {
		if got := Default(c.capacity).Slots; got != c.want {
			t.Errorf("%+v: %d slots, want %d", c.capacity, got, c.want)
		}
	}
}

func TestHalfOfTheMemoryIsLent(t *testing.T) {
	for memory, want := range map[int64]int64{0: 0, 8 << 30: 4 << 30, 1 << 20: MinMemory} {
		l := Default(Capacity{Processors: 4, Memory: memory})
		if l.Memory != want || l.Validate() != nil {
			t.Errorf("of %d bytes %d are lent, want %d", memory, l.Memory, want)
		}
	}
}
