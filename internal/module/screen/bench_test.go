package screen_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
)

// BenchmarkCheck screens a Go guest and a module of one kind of instruction, and
// hashes the same bytes in turns. The ratio is how many times the hashing takes.
func BenchmarkCheck(b *testing.B) {
	guest := guests.Module(b, ours+"worker/sandbox/testdata/guest")
	for name, bytes := range map[string][]byte{"go": guest, "dense": dense()} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(bytes)))
			b.ReportAllocs()
			var ours, hashing time.Duration
			for b.Loop() {
				start := time.Now()
				if err := screen.Check(bytes, screen.Options{}); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				sha256.Sum256(bytes)
				ours += middle.Sub(start)
				hashing += time.Since(middle)
			}
			b.ReportMetric(ours.Seconds()/hashing.Seconds(), "ratio")
			b.ReportMetric(float64(len(bytes)*b.N)/1e6/ours.Seconds(), "screen-MB/s")
		})
	}
}

// BenchmarkCostliest compiles what the limits just allow, one function each, as
// it is and as workers run it. Look at -benchtime 1x: some take seconds.
func BenchmarkCostliest(b *testing.B) {
	all := rewrite.Options{NaN: true, Depth: true, Fuel: true}
	for name, bytes := range costliest(1) {
		r, err := rewrite.Rewrite(bytes, all)
		if err != nil {
			b.Fatal(name, err)
		}
		for _, version := range []struct {
			name  string
			bytes []byte
		}{{"submitted", bytes}, {"rewritten", r.Module}} {
			b.Run(name+"/"+version.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					compile(b, version.bytes)
				}
				b.ReportMetric(float64(len(version.bytes)), "module-B")
			})
		}
	}
}
