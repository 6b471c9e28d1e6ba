package sandbox

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// subscription is one of poll_oneoff, in the guest's own words.
type subscription struct {
	mark  uint64
	kind  byte   // 0 a clock, 1 to read, 2 to write
	id    uint32 // of the clock, or a descriptor
	time  uint64
	flags uint16 // 1: the time is one on the clock
}

func (s subscription) encode() []byte {
	b := make([]byte, 48)
	binary.LittleEndian.PutUint64(b, s.mark)
	b[8] = s.kind
	binary.LittleEndian.PutUint32(b[16:], s.id)
	binary.LittleEndian.PutUint64(b[24:], s.time)
	binary.LittleEndian.PutUint64(b[32:], 1)
	binary.LittleEndian.PutUint16(b[40:], s.flags)
	return b
}

// event is what poll_oneoff says of one.
type event struct {
	mark  uint64
	errno uint16
	kind  byte
}

func (e event) encode() []byte {
	b := make([]byte, 32)
	binary.LittleEndian.PutUint64(b, e.mark)
	binary.LittleEndian.PutUint16(b[8:], e.errno)
	b[10] = e.kind
	return b
}

// Where a sleeper has its subscriptions and its events, and before these what was returned
// and their number, and the clock before and after.
const (
	subscriptionsAt = 64
	returnedAt      = 4096
	numberAt        = returnedAt + 8
	beforeAt        = returnedAt + 16
	afterAt         = returnedAt + 24
	eventsAt        = returnedAt + 32
)

// sleeper polls once between two looks at the clock of its run. The first is also the time of
// its first subscription, if that is for now.
func sleeper(now bool, list ...subscription) []byte {
	data := make([]byte, subscriptionsAt)
	for _, s := range list {
		data = append(data, s.encode()...)
	}
	look := func(at int64) handmade.HostCall {
		return handmade.HostCall{Name: "clock_time_get", Form: "ili:i", Args: []int64{1, 1, at}}
	}
	calls := []handmade.HostCall{look(beforeAt)}
	if now {
		calls = append(calls, look(subscriptionsAt+24))
	}
	return handmade.Caller{Pages: 1, Data: data, ShownAt: returnedAt, Shown: int64(eventsAt - returnedAt + 32*len(list)),
		Once: append(calls,
			handmade.HostCall{Name: "poll_oneoff", Form: "iiii:i", Args: []int64{subscriptionsAt, eventsAt, int64(len(list)), numberAt}, Keep: returnedAt},
			look(afterAt))}.Encode()
}

// TestSleep as CPython's time.sleep does it, until a time on the clock, and in the other
// ways: it is over at once, and the clock stands still meanwhile.
func TestSleep(t *testing.T) {
	const day, run = 0, 1 // the clocks
	const badf = 8
	in := func(seconds uint64) uint64 { return seconds * uint64(time.Second) }
	newYear := uint64(time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()) // by the guest's clock
	for _, c := range []struct {
		name string
		list []subscription
		want []event
	}{
		{"from now on", []subscription{{mark: 7, id: run, time: in(5)}}, []event{{mark: 7}}},
		{"for no time", []subscription{{mark: 7, id: run}}, []event{{mark: 7}}},
		{"until a time of its run", []subscription{{mark: 7, id: run, time: in(5), flags: 1}}, []event{{mark: 7}}},
		{"until a time of day", []subscription{{mark: 7, id: day, time: newYear + in(5), flags: 1}}, []event{{mark: 7}}},
		{"until a time that is past", []subscription{{mark: 7, id: day, time: 1, flags: 1}}, []event{{mark: 7}}},
		{"until the start", []subscription{{mark: 7, id: run, flags: 1}}, []event{{mark: 7}}},
		{"for ever", []subscription{{mark: 7, id: run, time: 1<<64 - 1, flags: 1}}, []event{{mark: 7}}},
		{"by several clocks", []subscription{
			{mark: 1, id: run, time: in(9), flags: 1}, {mark: 2, id: day, time: in(1)}, {mark: 3, id: day, time: newYear, flags: 1},
		}, []event{{mark: 1}, {mark: 2}, {mark: 3}}},
		{"or until there is input", []subscription{{mark: 1, id: run, time: in(9), flags: 1}, {mark: 2, kind: 1, id: 0}}, []event{{mark: 1}, {mark: 2, kind: 1}}},
		{"or until it can write", []subscription{{mark: 2, kind: 2, id: 1}, {mark: 1, id: run, time: in(9), flags: 1}}, []event{{mark: 2, kind: 2}, {mark: 1}}},
		{"or for a descriptor that is not open", []subscription{
			{mark: 1, kind: 1, id: 99}, {mark: 2, kind: 2, id: 1<<32 - 1}, {mark: 3, id: run, time: in(9), flags: 1},
		}, []event{{1, badf, 1}, {2, badf, 2}, {mark: 3}}},
	} {
		for _, now := range []bool{false, true} {
			if now && c.list[0].kind != 0 {
				continue
			}
			module := sleeper(now, c.list...)
			r := compareOutputs(t, c.name, newTask(t, module))
			wantPoll(t, c.name, r.Output, now, c.want)
		}
	}
}

// compareOutputs runs a task on both engines, which must agree.
func compareOutputs(t *testing.T, name string, task Task) Result {
	t.Helper()
	compiled, interpreted := run(t, newSlot(t), task), run(t, newInterpreter(t), task)
	wantStatus(t, compiled, Exited, "")
	if !bytes.Equal(compiled.Output, interpreted.Output) || compiled.Fuel != interpreted.Fuel {
		t.Errorf("%s: compiled %x with fuel %d, interpreted %x with fuel %d", name, compiled.Output, compiled.Fuel, interpreted.Output, interpreted.Fuel)
	}
	return compiled
}

// wantPoll wants success, these events, and that a clock has moved by a millisecond for each
// look at it and no further.
func wantPoll(t *testing.T, name string, got []byte, now bool, want []event) {
	t.Helper()
	looks := uint64(1)
	if now {
		looks = 2
	}
	start := binary.LittleEndian.Uint64(got[beforeAt-returnedAt:])
	all := make([]byte, eventsAt-returnedAt)
	binary.LittleEndian.PutUint32(all[numberAt-returnedAt:], uint32(len(want)))
	binary.LittleEndian.PutUint64(all[beforeAt-returnedAt:], start)
	binary.LittleEndian.PutUint64(all[afterAt-returnedAt:], start+looks*uint64(time.Millisecond))
	for _, e := range want {
		all = append(all, e.encode()...)
	}
	if !bytes.Equal(got, all) {
		t.Errorf("%s: errno, number, clocks, events\n%x, want\n%x", name, got, all)
	}
}

// TestPollOfWhatThereIsNot is refused as a whole.
func TestPollOfWhatThereIsNot(t *testing.T) {
	const inval = 28
	for name, list := range map[string][]subscription{
		"nothing":                   {},
		"a clock that there is not": {{id: 2, flags: 1}},
		"a flag that there is not":  {{id: 1, flags: 2}},
		"a kind that there is not":  {{kind: 3}},
		"the second one is not":     {{id: 1}, {id: 3, time: 1, flags: 1}},
	} {
		r := compareOutputs(t, name, newTask(t, sleeper(false, list...)))
		if got := binary.LittleEndian.Uint32(r.Output); got != inval {
			t.Errorf("%s: errno %d, want %d", name, got, inval)
		}
	}
}

// TestPollByTheRulesBefore is the engine's, which knows no time on a clock: jobs that began
// like that go on like that.
func TestPollByTheRulesBefore(t *testing.T) {
	const notsup = 58
	task := newTask(t, sleeper(false, subscription{mark: 7, id: 1, time: 5, flags: 1}))
	task.Metering = prices.ByClaim
	if got := binary.LittleEndian.Uint32(run(t, newSlot(t), task).Output); got != notsup {
		t.Errorf("errno %d, want %d", got, notsup)
	}
}

// TestEventsOverTheirSubscriptions may lie, as the guest likes; how, is the same everywhere.
func TestEventsOverTheirSubscriptions(t *testing.T) {
	var data []byte
	for i := range uint64(3) {
		data = append(data, subscription{mark: i + 1, id: 1, time: 5, flags: 1}.encode()...)
	}
	for _, events := range []int64{0, 16, 40, 100} {
		module := handmade.Caller{Pages: 1, Data: data, ShownAt: 8, Shown: 1000, Once: []handmade.HostCall{
			{Name: "poll_oneoff", Form: "iiii:i", Args: []int64{0, events, 3, 16}, Keep: 512},
		}}
		compareOutputs(t, "events over subscriptions", newTask(t, module.Encode()))
	}
}
