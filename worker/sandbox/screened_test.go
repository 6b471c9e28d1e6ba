package sandbox

import (
	"math/rand/v2"
	"testing"

	"github.com/anthill-grid/anthill/worker/sandbox/rewrite"
	"github.com/anthill-grid/anthill/worker/sandbox/screen"
)

// FuzzWhatPassesRuns holds that no worker refuses what passes screening, or takes
// it for a fault of the engine: what the author could have read at submit must not
// be left to workers to say.
func FuzzWhatPassesRuns(f *testing.F) {
	raiseInterpreter()
	for seed := range uint64(50) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) { passes(t, seed) })
}

// TestWhatPassesRuns wants modules of both kinds.
func TestWhatPassesRuns(t *testing.T) {
	raiseInterpreter()
	n := uint64(5000)
	if testing.Short() || raceDetector {
		n = 500
	}
	var passed uint64
	for seed := range n {
		if passes(t, seed) {
			passed++
		}
	}
	if passed < n/20 || passed > n*19/20 {
		t.Errorf("%d of %d modules pass: they are of one kind", passed, n)
	}
}

// passes tells whether a random module passes screening. If so, it is run.
func passes(t *testing.T, seed uint64) bool {
	t.Helper()
	s := scrawler{r: rand.New(rand.NewPCG(seed, 7))}
	module := s.module()
	req := request{
		Memory: 16 * pageSize, Output: 1 << 20, Fuel: 10_000, Seed: make([]byte, 32),
		TrapUnknown: s.r.IntN(4) > 0, Interpreter: s.r.IntN(2) == 0, Rewrite: rewrite.Options{NaN: true, Depth: true, Fuel: true},
	}
	if screen.Check(module, screen.Options{Memory: req.Memory, TrapUnknown: req.TrapUnknown}) != nil {
		return false
	}
	key := moduleKey{pages: uint32(req.Memory / pageSize), trap: req.TrapUnknown, interpreter: req.Interpreter}
	m, err := loadFresh(t.Context(), module, req, key)
	if err != nil {
		t.Errorf("seed %d: passes, and then: %v", seed, err)
		return true
	}
	defer m.close(t.Context())
	if r, _ := m.run(t.Context(), order{request: req}, func(uint64) {}); r.Status == Refused || r.Status == Killed {
		t.Errorf("seed %d: passes, and then is %v: %s", seed, r.Status, r.Reason)
	}
	return true
}
