package waits

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// TestEveryReasonHasItsWords, says what helps, and stands in the table for people.
func TestEveryReasonHasItsWords(t *testing.T) {
	if len(anthillv1.WaitReason_name) != int(end) {
		t.Fatalf("%d reasons on the wire, and %d here", len(anthillv1.WaitReason_name), end)
	}
	table, err := os.ReadFile("../../docs/waits.md")
	if err != nil {
		t.Fatal(err)
	}
	for r := range end {
		w := Wait{Reason: r, Count: 2, Detail: "detail", Whom: []string{"ann's 0c858d73"}}
		name := strings.ToLower(strings.TrimPrefix(anthillv1.WaitReason(r).String(), "WAIT_REASON_"))
		switch {
		case r == None:
			if text := w.Text(noon); text != "" {
				t.Errorf("where nothing is waited for, it says %q", text)
			}
		case w.Why(noon) == "" || w.Next() == "" || strings.Contains(w.Text(noon), "%!"):
			t.Errorf("reason %s: %q, and next %q", name, w.Why(noon), w.Next())
		case !strings.Contains(string(table), "`"+name+"`"):
			t.Errorf("docs/waits.md does not name %s", name)
		}
	}
}

func TestWordsForPeople(t *testing.T) {
	for want, w := range map[string]Wait{
		"no worker is alive (nothing has moved for 1m30s): start one with `anthill worker --join TOKEN`":       {Reason: NoWorker, Since: noon.Add(-90 * time.Second)},
		"the only worker is busy with other jobs: it has its turn when one of them is free; more workers help": {Reason: Busy, Count: 1},
		"a copy is to come to friend's 0c858d73, which left 40s ago; that is waited for at most 20s more: " +
			"start it again; a coordinator that is away for longer than a minute is not waited for": {
			Reason: CopiesAway, Whom: []string{"friend's 0c858d73"}, Detail: "left", Since: noon.Add(-40 * time.Second), Until: noon.Add(20 * time.Second),
		},
		"36 results are still to come from slow's 0c858d73 and slower's 12345678: 108 MiB at 8.0 KiB/s: " +
			"what takes much longer to come than to compute is computed again; workers with better lines help": {
			Reason: Results, Count: 36, Bytes: 108 << 20, Rate: 8 << 10, Whom: []string{"slow's 0c858d73", "slower's 12345678"},
		},
		"one result is still to come from slow's 0c858d73, and nothing of it comes: " +
			"what takes much longer to come than to compute is computed again; workers with better lines help": {
			Reason: Results, Count: 1, Whom: []string{"slow's 0c858d73"},
		},
		"input: 3 of 12 pieces are with nobody; waiting for the submitter (away for 3h0m0s); that is waited for at most 21h0m0s more: " +
			"it goes on when the submitter is back; or cancel the job and submit it again": {
			Reason: InputAway, Detail: "3 of 12 pieces are with nobody", Since: noon.Add(-3 * time.Hour), Until: noon.Add(21 * time.Hour),
		},
	} {
		if got := w.Text(noon); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}

func TestWaitsSurviveTheWire(t *testing.T) {
	for _, w := range []Wait{
		{}, {Reason: Stalled},
		{Reason: Results, Since: noon, Until: noon.Add(time.Hour), Whom: []string{"a", "b"}, Count: 7, Bytes: 1 << 40, Rate: 0.5, Detail: "x"},
	} {
		if got := FromProto(ToProto(w)); !reflect.DeepEqual(got, w) {
			t.Errorf("%+v became %+v", w, got)
		}
	}
	if ToProto(Wait{}) != nil {
		t.Error("nothing is waited for, and that is said")
	}
	for _, r := range []anthillv1.WaitReason{-1, anthillv1.WaitReason(end), 1 << 20} {
		if w := FromProto(&anthillv1.Wait{Reason: r}); w.Reason != Stalled {
			t.Errorf("of the reason %d, which nobody knows here, it says %v", r, w.Reason)
		}
	}
}
