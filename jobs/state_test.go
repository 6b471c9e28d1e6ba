package jobs

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestRequestsAreNotRememberedWithoutBound, and to forget one does not copy all that are
// left; otherwise this takes minutes.
func TestRequestsAreNotRememberedWithoutBound(t *testing.T) {
	g := gridOf()
	for i := range 4 * maxAnswered {
		g.clock++
		g.Apply(Command{At: g.clock, Request: RequestID(fmt.Sprint(i)), Accuse: &AccusePeers{By: "op"}})
	}
	if n := len(g.Answered); n != maxAnswered && n != maxAnswered+1 || len(g.requests) != n || cap(g.Answered) > 3*maxAnswered {
		t.Errorf("%d answers kept, %d indexed, room for %d", n, len(g.requests), cap(g.Answered))
	}
	if last := g.Answered[len(g.Answered)-1]; last.Request != RequestID(fmt.Sprint(4*maxAnswered-1)) {
		t.Errorf("the last is %+v", last)
	}
}

func TestRequestsAreAnsweredOnce(t *testing.T) {
	g := gridOf()
	submit := func(job string, tasks int64) Outcome {
		return g.apply(Command{Request: "sub/1", Submit: &SubmitJob{Job: JobID(job), Spec: rangeSpec(tasks), Submitter: "sub"}})
	}
	first := submit("a", 1)
	g.pass(requestMemory - time.Millisecond)
	if again := submit("b", 1); !reflect.DeepEqual(again, first) || len(g.Jobs) != 1 {
		t.Errorf("repeated: %+v, want %+v; %d jobs", again, first, len(g.Jobs))
	}
	g.pass(time.Millisecond) // an hour later it is forgotten
	if again := submit("b", 1); again.Job != "b" {
		t.Errorf("after an hour: %+v", again)
	}
	if len(g.Answered) != 1 || len(g.requests) != 1 {
		t.Errorf("%d answers kept, %d indexed, want 1", len(g.Answered), len(g.requests))
	}
}

// TestRefusedRequestsAreForgotten: they changed nothing. The rules of before kept them.
func TestRefusedRequestsAreForgotten(t *testing.T) {
	for _, old := range []bool{true, false} {
		g := oldGrid()
		if !old {
			g = newGrid()
		}
		g.admit(Submitter, "sub", "ann")
		c := Command{Request: "r", Cancel: &CancelJob{Job: "j", By: "sub"}}
		wantRejected(t, g.apply(c), "UNKNOWN_JOB")
		g.submit("j", rangeSpec(1))
		if out := g.apply(c); (out.Rejection != nil) != old || len(g.Answered) != 1 {
			t.Errorf("by old rules: %v; asked again, it is answered %+v; %d answers are kept", old, out, len(g.Answered))
		}
	}
}

func TestCommandsWithoutRequestAreNotRemembered(t *testing.T) {
	g := gridOf("w1")
	g.expire()
	g.expire()
	if len(g.Answered) != 0 {
		t.Errorf("answers: %+v", g.Answered)
	}
}

func TestTimeNeverRunsBackwards(t *testing.T) {
	g := gridOf("w1")
	g.submit("j", rangeSpec(1))
	g.pass(time.Minute)
	g.expire()
	g.Apply(Command{At: start, Cancel: &CancelJob{Job: "j", By: "sub"}})
	if g.Now != g.clock || g.Jobs["j"].Finished != g.clock {
		t.Errorf("now %d, finished %d, want %d", g.Now, g.Jobs["j"].Finished, g.clock)
	}
}

func TestUnknownCommandHalts(t *testing.T) {
	defer func() {
		if why, _ := recover().(string); !strings.Contains(why, "upgrade this coordinator") {
			t.Errorf("panic %q", why)
		}
	}()
	newGrid().apply(Command{})
	t.Error("an unknown command was skipped")
}

func TestCloneSharesNothingThatChanges(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	g.submit("j", rangeSpec(9))
	g.run("j", 0, "w1", "a")
	g.grant("j", 1, "w1", false)
	lie(g, "w3", 2, 2)
	g.confirm("c1", "j", 2)
	g.apply(Command{Request: "r", Cancel: &CancelJob{}})
	g.apply(keep("sub"))
	copied := g.Clone()
	before := dump(t, copied)

	g.run("j", 0, "w2", "a")
	lie(g, "w3", 4, 1)
	g.confirm("c1", "j", 3)
	g.admit(Coordinator, "c2", "ops")
	g.apply(Command{Admit: &AdmitNode{Token: "token-for-w1", Node: "w1", Role: Worker, Address: "elsewhere"}})
	g.apply(Command{Cancel: &CancelJob{Job: "j", By: "sub"}})
	again := keep("sub")
	again.Keep.Provider = "elsewhere:1"
	g.apply(again)
	if after := dump(t, copied); after != before {
		t.Errorf("the copy changed with the original:\n%s\n%s", before, after)
	}
}

func dump(t interface{ Fatal(...any) }, s *State) string {
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTimes(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.UTC)
	if got := TimeOf(at).Add(1500 * time.Millisecond).Std(); got != at.Add(1500*time.Millisecond).Truncate(time.Millisecond) {
		t.Errorf("%v", got)
	}
	if NodeID("0123456789").Short() != "01234567" || NodeID("c1").Short() != "c1" {
		t.Error("short ids")
	}
}
