package limits

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/throttle"
)

func TestWhatCannotBeLent(t *testing.T) {
	for want, change := range map[string]func(*Lent){
		"":               func(*Lent) {},
		"0 slots":        func(l *Lent) { l.Slots = 0 },
		"1025 slots":     func(l *Lent) { l.Slots = 1025 },
		"7 bytes":        func(l *Lent) { l.Disk = 7 },
		"want none belo": func(l *Lent) { l.Traffic = throttle.Limits{Up: -1} },
	} {
		l := Default()
		change(&l)
		err := l.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: %v, want %q", l, err, want)
		}
	}
}
