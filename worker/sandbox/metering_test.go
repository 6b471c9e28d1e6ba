package sandbox

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/jobs"
)

// TestMeteringIsWhatWasRecorded ties the version that jobs name to the rules by
// which the rewriter counts: two workers that count the same job differently
// would each take the other for a liar.
func TestMeteringIsWhatWasRecorded(t *testing.T) {
	recorded := struct {
		metering, version uint32
		fuel              map[string]uint64
	}{2, 3, map[string]uint64{
		"nothing":     0,
		"loop":        9_000_000,
		"calls":       18_413,
		"recursion":   2_287_414,
		"floats":      19_664,
		"output":      132,
		"memory.grow": 2_090_631,
		"bulk memory": 258,
		"random":      1_311_760,
		"a trap":      1,
	}}
	modules := map[string][]byte{
		"nothing":     handmade.Noop(),
		"loop":        handmade.Count(1),
		"calls":       handmade.CallTree(10),
		"recursion":   handmade.Descend(),
		"floats":      handmade.Floats(),
		"output":      handmade.Print(1, "hello"),
		"memory.grow": handmade.Grow(),
		"bulk memory": bulk(),
		"random":      handmade.Random(10, 1<<20),
		"a trap":      handmade.Trap(),
	}
	if jobs.Metering != recorded.metering || rewrite.Version != recorded.version {
		t.Errorf("jobs.Metering is %d and rewrite.Version %d, recorded are %d and %d: record the fuel of the new rules here",
			jobs.Metering, rewrite.Version, recorded.metering, recorded.version)
	}
	s := newSlot(t)
	for name, module := range modules {
		task := newTask(t, module)
		task.Memory = 16 << 20
		if got := run(t, s, task).Fuel; got != recorded.fuel[name] {
			t.Errorf("%s: %d units of fuel, recorded are %d: if that is meant, raise rewrite.Version and jobs.Metering together, and record it here",
				name, got, recorded.fuel[name])
		}
	}
}

// bulk fills 1,000 bytes and copies them.
func bulk() []byte {
	const constant, memory = 0x41, 0xfc
	return handmade.Spec{Pages: 1, Code: []byte{
		constant, 0, constant, 7, constant, 0xe8, 0x07, memory, 11, 0, // memory.fill
		constant, 0x80, 0x20, constant, 0, constant, 0xe8, 0x07, memory, 10, 0, 0, // memory.copy
	}}.Encode()
}
