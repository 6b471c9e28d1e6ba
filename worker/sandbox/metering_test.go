package sandbox

import (
	"encoding/binary"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// TestMeteringIsWhatWasRecorded ties the version that jobs name to the rules by
// which the rewriter counts: two workers that count the same job differently
// would each take the other for a liar.
func TestMeteringIsWhatWasRecorded(t *testing.T) {
	recorded := struct {
		metering, version uint32
		fuel              map[string][2]uint64 // by the rules before, and by those of the version
	}{3, 4, map[string][2]uint64{
		"nothing":     {0, 0},
		"loop":        {9_000_000, 9_000_000},
		"calls":       {18_413, 18_413},
		"recursion":   {2_287_414, 2_287_414},
		"floats":      {19_664, 19_664},
		"output":      {132, 132},
		"memory.grow": {2_090_631, 28_291},
		"bulk memory": {258, 258},
		"random":      {1_311_760, 1_311_760},
		"a trap":      {1, 1},
		"input":       {2404, 404},
		"files":       {124_536, 45_377},
		"failures":    {578_966_547, 524},
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
		"input":       handmade.Echo(),
		"files":       files(),
		"failures":    failures(),
	}
	if prices.ByWork != jobs.Metering || prices.ByClaim != jobs.OldestMetering {
		t.Errorf("workers count by rules %d and %d, jobs name %d and %d", prices.ByClaim, prices.ByWork, jobs.OldestMetering, jobs.Metering)
	}
	if jobs.Metering != recorded.metering || rewrite.Version != recorded.version {
		t.Errorf("jobs.Metering is %d and rewrite.Version %d, recorded are %d and %d: record the fuel of the new rules here",
			jobs.Metering, rewrite.Version, recorded.metering, recorded.version)
	}
	s := newSlot(t)
	for name, module := range modules {
		for i, rules := range []uint32{jobs.OldestMetering, jobs.Metering} {
			task := newTask(t, module)
			task.Memory, task.Metering, task.Stdin, task.Env = 16<<20, rules, []byte("shard"), []string{"KEY=value"}
			task.Data = map[string]string{"a.txt": task.Module, "b.txt": task.Module}
			if got, want := run(t, s, task).Fuel, recorded.fuel[name][i]; got != want {
				t.Errorf("%s: %d units of fuel by rules %d, recorded are %d: running jobs would be counted in two ways. If other prices are meant, "+
					"raise jobs.Metering, and if another rewriting is, rewrite.Version as well; keep the rules before, and record both here", name, got, rules, want)
			}
		}
	}
}

// files looks at all that a guest may look at, and reads some.
func files() []byte {
	const path, buffer, room, descriptor, number = 24, 1024, 4096, 5, 64
	data := make([]byte, 128)
	binary.LittleEndian.PutUint32(data[16:], buffer)
	binary.LittleEndian.PutUint32(data[20:], 100)
	copy(data[path:], "a.txt")
	return handmade.Caller{Pages: 1, Data: data, Once: []handmade.HostCall{
		{Name: "args_get", Form: "ii:i", Args: []int64{buffer, 2 * buffer}},
		{Name: "environ_get", Form: "ii:i", Args: []int64{buffer, 2 * buffer}},
		{Name: "path_filestat_get", Form: "iiiii:i", Args: []int64{3, 0, path, 5, buffer}},
		{Name: "fd_readdir", Form: "iiili:i", Args: []int64{3, buffer, room, 0, number}},
		{Name: "path_open", Form: "iiiiillii:i", Args: []int64{3, 0, path, 5, 0, 2, 0, 0, number}},
		{Name: "fd_pread", Form: "iiili:i", Args: []int64{4, 16, 1, 8, number}},
		{Name: "fd_read", Form: "iiii:i", Args: []int64{4, 16, 1, number}},
		{Name: "fd_close", Form: "i:i", Args: []int64{4}},
		{Name: "path_open", Form: "iiiiillii:i", Args: []int64{3, 0, path, 4, 0, 2, 0, 0, number}}, // there is none
	}}.Encode()
}

// failures are calls that come to nothing.
func failures() []byte {
	return handmade.Caller{Pages: 1, Once: []handmade.HostCall{
		{Name: "poll_oneoff", Form: "iiii:i", Args: []int64{0, 0, 1 << 20, 0}},
		{Name: "fd_write", Form: "iiii:i", Args: []int64{1, 0, 1 << 20, 0}},
		{Name: "random_get", Form: "ii:i", Args: []int64{0, -1}},
		{Name: "path_unlink_file", Form: "iii:i", Args: []int64{3, 0, 1 << 20}},
		{Name: "fd_close", Form: "i:i", Args: []int64{99}},
	}}.Encode()
}

// bulk fills 1,000 bytes and copies them.
func bulk() []byte {
	const constant, memory = 0x41, 0xfc
	return handmade.Spec{Pages: 1, Code: []byte{
		constant, 0, constant, 7, constant, 0xe8, 0x07, memory, 11, 0, // memory.fill
		constant, 0x80, 0x20, constant, 0, constant, 0xe8, 0x07, memory, 10, 0, 0, // memory.copy
	}}.Encode()
}
