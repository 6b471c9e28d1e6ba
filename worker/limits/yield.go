package limits

import "time"

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

// Readings are what is known of a machine at a time.
type Readings struct {
	Now       time.Time
	OnBattery bool
	CPU       CPU
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
	if w.yield.Battery && r.OnBattery {
		reasons = append(reasons, OnBattery)
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
