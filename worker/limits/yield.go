package limits

import (
	"fmt"
	"time"
)

// Why a worker leaves its machine to the donor, besides the hours.
const (
	OnBattery = "on battery"
	IsBusy    = "the machine is busy"
)

// Yield says when a worker leaves its machine to the donor. The zero value means
// never.
type Yield struct {
	Battery  bool  // while there is no mains
	Hours    Hours // outside of them
	WhenIdle bool  // while others use the processors, more than a quarter of them
}

// Power is what the machine runs on. The zero value is mains of which nothing is known.
type Power struct {
	Battery bool   // or a UPS, and no mains
	Supply  string // what gives the power, as the system calls it, such as BAT0
	Charge  int    // of a battery, in percent; 0 if it is not known
}

// String is such as "mains (AC)" or "battery (BAT0, 57 %)".
func (p Power) String() string {
	source := "mains"
	if p.Battery {
		source = "battery"
	}
	switch {
	case p.Supply == "":
		return source
	case p.Charge > 0:
		return fmt.Sprintf("%s (%s, %d %%)", source, p.Supply, p.Charge)
	}
	return fmt.Sprintf("%s (%s)", source, p.Supply)
}

// reason does not tell the charge: it would be another one with each percent.
func (p Power) reason() string {
	if p.Supply == "" {
		return OnBattery
	}
	return fmt.Sprintf("%s (%s)", OnBattery, p.Supply)
}

// Readings are what is known of a machine at a time.
type Readings struct {
	Now   time.Time
	Power Power
	CPU   CPU
	// Spent says why the line may carry no more this month; nil: it may.
	Spent error
}

// Watch finds the reasons to yield. It remembers what others did.
type Watch struct {
	yield  Yield
	others load
}

// NewWatch knows of no machine yet.
func NewWatch(y Yield) *Watch { return &Watch{yield: y} }

// Reasons are those for which the worker should not work now. Each stays the same
// text as long as it holds.
func (w *Watch) Reasons(r Readings) []string {
	var reasons []string
	if w.yield.Battery && r.Power.Battery {
		reasons = append(reasons, r.Power.reason())
	}
	if !w.yield.Hours.Open(r.Now) {
		reasons = append(reasons, w.yield.Hours.closed(r.Now))
	}
	if r.Spent != nil {
		reasons = append(reasons, r.Spent.Error())
	}
	if w.isBusy(r) {
		reasons = append(reasons, IsBusy)
	}
	return reasons
}

// isBusy is false where it is not known.
func (w *Watch) isBusy(r Readings) bool {
	if !w.yield.WhenIdle {
		return false
	}
	if r.CPU == (CPU{}) {
		w.others = load{}
		return false
	}
	return w.others.note(r.Now, r.CPU)
}
