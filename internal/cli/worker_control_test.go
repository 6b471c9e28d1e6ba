package cli

import (
	"strings"
	"testing"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/control"
)

func TestAWorkerTellsWhyItIsPaused(t *testing.T) {
	since := time.Date(2026, 11, 25, 3, 0, 0, 0, time.Local)
	status := control.Status{
		Node: "0123456789abcdef", Owner: "me", Grid: "g", Address: "h:1", Leases: 2,
		Pauses:  []control.Pause{{Reason: control.ByUser, Since: since}, {Reason: "on battery (BAT0)", Since: since.Add(time.Minute)}},
		Silence: &control.Silence{Since: since.Add(time.Minute), Why: "connection refused"},
		Power:   "battery (BAT0, 57 %)",
		Volume:  &control.Volume{Used: 10 << 30, Limit: 50 << 30, Until: time.Date(2026, 12, 1, 0, 0, 0, 0, time.Local)},
		Slots:   []control.Slot{{}, {Job: "squares-1", Task: new(uint32(7)), Since: &since}},
	}
	var table strings.Builder
	if err := writeWorker(&table, status, since.Add(90*time.Second)); err != nil {
		t.Fatal(err)
	}
	want := `worker     01234567
owner      me
grid       g
address    h:1
state      paused
leases     2
because    paused by the user, since 2026-11-25 03:00:00 (1m30s)
because    on battery (BAT0), since 2026-11-25 03:01:00 (30s)
waiting    no coordinator answers, since 2026-11-25 03:01:00 (30s): connection refused; what runs goes on, and waits to be handed in
power      battery (BAT0, 57 %)
volume     40 GiB of 50 GiB left until 2026-12-01
SLOT  JOB        TASK  FOR
   0  idle
   1  squares-1  7     1m30s
`
	if table.String() != want {
		t.Errorf("got\n%swant\n%s", table.String(), want)
	}
	var object strings.Builder
	if err := writeWorkerJSON(&object, status); err != nil || !strings.Contains(object.String(), `"reason": "paused by the user"`) ||
		!strings.Contains(object.String(), "\n    {},\n") || !strings.Contains(object.String(), `"task": 7`) {
		t.Errorf("JSON %s, %v", object.String(), err)
	}
}

func TestNodesShowWhoIsPaused(t *testing.T) {
	var out strings.Builder
	err := writeNodes(&out, []*anthillv1.Node{{
		Id: "0123456789abcdef", Role: anthillv1.Role_ROLE_WORKER, Paused: true, Liveness: anthillv1.Liveness_LIVENESS_ALIVE,
	}})
	if err != nil || !strings.Contains(out.String(), "alive, paused") {
		t.Errorf("nodes %s, %v", out.String(), err)
	}
}

func TestWhenAPauseEnds(t *testing.T) {
	now := time.Date(2026, 11, 25, 17, 30, 0, 0, time.Local)
	for _, test := range []struct {
		args  []string
		clock string
		want  string // empty: it is refused
	}{
		{nil, "", "0001-01-01 00:00"}, {[]string{"2h"}, "", "2026-11-25 19:30"}, {[]string{"30m"}, "", "2026-11-25 18:00"},
		{nil, "18:00", "2026-11-25 18:00"}, {nil, "17:30", "2026-11-26 17:30"}, {nil, "06:00", "2026-11-26 06:00"},
		{[]string{"2h"}, "18:00", ""}, {[]string{"two"}, "", ""}, {[]string{"-2h"}, "", ""}, {nil, "25:00", ""}, {nil, "6pm", ""},
	} {
		end, err := pauseEnd(test.args, test.clock, now)
		if test.want == "" && err == nil || test.want != "" && (err != nil || end.Format("2006-01-02 15:04") != test.want) {
			t.Errorf("%v, --until %q: %v, %v; want %s", test.args, test.clock, end, err, test.want)
		}
	}
}
