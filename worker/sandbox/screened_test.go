package sandbox

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
)

// TestWhatPassesRuns holds that no worker refuses what passes screening, or takes
// it for a fault of the engine: what the author could have read at submit must not
// be left to workers to say. It wants modules of both kinds.
func TestWhatPassesRuns(t *testing.T) {
	raiseInterpreter()
	n := uint64(5000)
	if testing.Short() || raceDetector {
		n = 500
	}
	var passed uint64
	for seed := range n {
		if passes(t, scrawl(seed), seed%4 > 0, seed%2 > 0) {
			passed++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if passed < n/20 || passed > n*19/20 {
		t.Errorf("%d of %d modules pass: they are of one kind", passed, n)
	}
}

// FuzzWhatPassesRuns does the same with any bytes.
func FuzzWhatPassesRuns(f *testing.F) {
	raiseInterpreter()
	for seed := range uint64(100) {
		f.Add(scrawl(seed), seed%4 > 0, seed%2 > 0)
	}
	f.Fuzz(func(t *testing.T, module []byte, trap, interpreter bool) { passes(t, module, trap, interpreter) })
}

// passes tells whether a module passes screening. If so, it is run as a worker does.
func passes(t *testing.T, module []byte, trap, interpreter bool) bool {
	t.Helper()
	req := request{
		Memory: 16 * pageSize, Output: 1 << 20, Fuel: 10_000, Seed: make([]byte, 32),
		TrapUnknown: trap, Interpreter: interpreter, Rewrite: rewrite.Options{NaN: true, Depth: true, Fuel: true},
	}
	if screen.Check(module, screen.Options{Memory: req.Memory, TrapUnknown: trap}) != nil {
		return false
	}
	m, err := loadFresh(t.Context(), &source{bytes: module}, req, moduleKey{pages: uint32(req.Memory / pageSize), trap: trap, interpreter: interpreter})
	if err != nil {
		t.Errorf("passes, and then: %v", err)
		return true
	}
	defer m.close(t.Context())
	if r, _ := m.run(t.Context(), order{request: req}, func(uint64) {}); r.Status == Refused || r.Status == Killed {
		t.Errorf("passes, and then is %v: %s", r.Status, r.Reason)
	}
	return true
}
