package browser_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/anthill-grid/anthill/internal/lab/browser"
	"github.com/anthill-grid/anthill/internal/ui"
	"github.com/anthill-grid/anthill/worker/control"
)

// donated is a worker that does as it is asked.
type donated struct {
	mu     sync.Mutex
	status control.Status
	gone   bool
}

func (d *donated) Do(_ context.Context, what string, until time.Time) (any, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.gone {
		return nil, errors.New("find worker: none runs with the data in /srv/anthill")
	}
	switch what {
	case control.DoPause:
		d.status.Pauses = []control.Pause{{Reason: control.ByUser, Since: time.Now()}}
		if !until.IsZero() {
			d.status.Until = &until
		}
	case control.DoResume:
		d.status.Pauses, d.status.Until = nil, nil
	}
	return d.status, nil
}

func (d *donated) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = true
}

// aDonatedWorker has worked for a day.
func aDonatedWorker() *donated {
	since := time.Now().Add(-42 * time.Second)
	s := control.Status{
		Node: "0123456789abcdef0123456789abcdef", Owner: "ada", Grid: "anthill.example", Address: "192.0.2.7:4100", Leases: 3,
		Slots:       []control.Slot{{Job: "sweep-1", Owner: "<b>bea</b>", Task: new(uint32(7)), Since: &since}, {}},
		Coordinator: "198.51.100.1:4000", Reserve: "198.51.100.2:4000", Power: "mains",
		Volume: &control.Volume{Used: 10 << 30, Limit: 50 << 30}, Lent: &control.Lent{Slots: 2, Memory: 4 << 30, Disk: 20 << 30, Hours: "20:00-08:00"},
		Earned: &control.Earned{Credit: 1234, Fuel: 5e12}, Paths: []control.Path{{Name: "direct", In: 3 << 20, Out: 9 << 20}, {Name: "relayed", In: 100, Out: 2000}},
	}
	for i := range 200 {
		s.Work = append(s.Work, control.Work{From: time.Now().Truncate(5 * time.Minute).Add(time.Duration(i-199) * 5 * time.Minute), Attempts: 3 + i%7, Fuel: uint64(1e9 * (2 + i%11))})
	}
	return &donated{status: s}
}

// TestWorkerPage looks at a donor's page, and pauses his worker by it.
func TestWorkerPage(t *testing.T) {
	d := aDonatedWorker()
	server, err := ui.Listen("127.0.0.1:0", ui.NewWorkerHandler(d), func() {})
	if err != nil {
		t.Fatal(err)
	}
	go server.Run(t.Context()) //nolint:errcheck // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	p := &page{tab: openTab(t, server.Link()), server: server, shots: artefacts(t)}
	p.until(t, says("sweep-1")+" && "+says("<b>bea</b>")+" && "+says("1,234")+" && "+says("20:00-08:00")+" && "+says("198.51.100.1:4000"))
	p.until(t, painted("canvas[aria-label^='Fuel']"))
	p.until(t, fitsWindow)
	p.shot(t, "worker-1440")
	press := func(say string) chromedp.Action {
		return chromedp.Click("//button[text()='"+say+"']", chromedp.BySearch)
	}
	p.run(t, press("Pause for an hour"))
	p.until(t, says("paused by the user")+" && "+says("until"))
	p.run(t, browser.Size(390, 844))
	p.until(t, fitsWindow)
	p.shot(t, "worker-paused-390")
	p.run(t, press("Go on"))
	p.until(t, "!"+says("paused by the user")+" && "+says("working"))
	d.leave()
	p.until(t, says("none runs with the data")+" && "+says("trying again"))
}
