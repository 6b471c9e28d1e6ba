package sandbox

import (
	"os"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/guests"
)

// BenchmarkPython is a Python program that does nothing, in a warm slot. What the guest
// itself takes is told apart: the rest is the sandbox's.
func BenchmarkPython(b *testing.B) {
	module, err := os.ReadFile(guests.Python(b))
	if err != nil {
		b.Fatal(err)
	}
	slot, task := newSlot(b), newTask(b, module)
	task.Args = []string{"-c", "pass"}
	once := func() time.Duration {
		r := run(b, slot, task)
		wantStatus(b, r, Exited, "")
		return r.Elapsed
	}
	began := time.Now()
	once()
	b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-cold")
	b.ResetTimer()
	var guest time.Duration
	for range b.N {
		guest += once()
	}
	b.ReportMetric(float64(guest.Microseconds())/1000/float64(b.N), "ms-guest/op")
	b.ReportMetric(float64((b.Elapsed()-guest).Microseconds())/1000/float64(b.N), "ms-sandbox/op")
}
