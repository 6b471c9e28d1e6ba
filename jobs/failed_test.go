package jobs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// checkFailures: tasks that have failed are counted, told of, and kept once.
func checkFailures(t *rapid.T, id JobID, j *Job) {
	failed := 0
	for place := range j.Next {
		f, is := j.Failure(place)
		if is != j.Closed[place].failed() || f.Voted && j.Closed[place].vote() != (Vote{Failed: true, ExitCode: f.ExitCode, Fuel: j.Closed[place].Fuel}) {
			t.Fatalf("%s: task %d is %+v, and told of as %+v, %v", id, place, j.Closed[place], f, is)
		}
		if is {
			failed++
		} else if _, told := j.Reasons[place]; told {
			t.Fatalf("%s: it is kept why task %d has failed, which has not", id, place)
		}
		if len(j.Tries[place]) > 0 && (!is || j.task(place) != nil) {
			t.Fatalf("%s: who tried task %d is kept, and %+v", id, place, j.task(place))
		}
	}
	if failed != j.Failed || j.State == JobSucceeded && failed > j.Spec.MayFail() || len(j.Reasons) > maxReasons {
		t.Fatalf("%s: %d tasks have failed, %d counted, %d may, of %d it is kept why", id, failed, j.Failed, j.Spec.MayFail(), len(j.Reasons))
	}
}

// failTask has three workers say that a task fails, which is enough for any quorum here.
func (g *grid) failTask(job string, place Place, how string) {
	for _, w := range []string{"w1", "w2", "w3"} {
		if id := g.grant(job, place, w, false); id != 0 {
			r := vote(id, w, how)
			r.Reason = strings.Repeat("x", MaxReason) + "\n" + strings.Repeat("y\n", MaxFailure)
			g.report(r)
		}
	}
}

// However many tasks fail, only of the first it is kept why, and of none what each
// attempt said.
func TestFailedTasksTakeLittleRoom(t *testing.T) {
	g := gridOf("w1", "w2", "w3")
	spec := boundSpec(3*maxReasons, One/100)
	spec.AllowFailedShare = One
	g.submit("j", spec)
	for place := range Place(3 * maxReasons) {
		g.failTask("j", place, "!7")
	}
	j := g.mustBe(t, "j", JobSucceeded, "")
	if j.Failed != 3*maxReasons || len(j.Reasons) != maxReasons || len(j.Records) != 0 || len(j.Open) != 0 {
		t.Errorf("%d failed, of %d it is kept why, %d records, %d open", j.Failed, len(j.Reasons), len(j.Records), len(j.Open))
	}
	if f, _ := j.Failure(0); len(f.Reason) != MaxFailure || f.ExitCode != 7 || !f.Voted {
		t.Errorf("the first failed like %+v", f)
	}
	if f, failed := j.Failure(3*maxReasons - 1); !failed || f.Reason != "" || f.ExitCode != 7 {
		t.Errorf("the last failed like %+v", f)
	}
	if got := g.Inspect(j, 3*maxReasons-1); len(got.Attempts) != 3 || got.Verdict != "failed" || got.Groups[0].Vote.ExitCode != 7 {
		t.Errorf("what is told of the last: %+v", got)
	}
	if first := j.FirstFailed(3); !slices.Equal(first, []Index{0, 1, 2}) {
		t.Errorf("the first of them are %v", first)
	}
}

// By the rules before, one task that fails ends its job, and owners are not credited
// with that.
func TestTasksFailAsBeforeByOlderRules(t *testing.T) {
	g := oldGrid()
	g.admit(Submitter, "sub", "ann")
	for _, w := range []string{"w1", "w2", "w3"} {
		g.admit(Worker, w, "owner-"+w)
	}
	allowing := rangeSpec(2)
	allowing.AllowFailed = 1
	r := g.submit("allowing", allowing).Rejection
	if r == nil || r.Subject != "allow_failed" || !strings.Contains(r.Next, "upgrade the grid's coordinators") {
		t.Errorf("a job with allow_failed: %v", r)
	}
	g.submit("j", rangeSpec(2))
	g.failTask("j", 0, "!7")
	j := g.mustBe(t, "j", JobFailed, "task 0: xxx")
	if j.Failed != 0 || len(j.Reason) > MaxReason+20 || g.Owners["owner-w1"].Agreed != 0 || len(j.Records) != 1 {
		t.Errorf("%d failed, %d bytes why, %d votes credited", j.Failed, len(j.Reason), g.Owners["owner-w1"].Agreed)
	}
}

// A snapshot holds all of it, and what comes after goes on alike.
func TestFailedTasksSurviveASnapshot(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4")
	spec := boundSpec(3, One/100)
	spec.AllowFailed = 3
	g.submit("j", spec)
	g.failTask("j", 0, "!4294967295")
	for range maxKilled {
		g.run("j", 1, "w1", "killed")
		g.pass(time.Minute)
	}
	g.giveUp("j", "w1")
	before := dump(t, g.Clone())
	g.State = g.Clone()
	g.Reindex()
	if after := dump(t, g.Clone()); after != before {
		t.Errorf("got  %s\nwant %s", after, before)
	}
	if f, _ := g.Jobs["j"].Failure(0); f.ExitCode != 1<<32-1 {
		t.Errorf("exit code %d", f.ExitCode)
	}
	if g.grant("j", 1, "w4", false) != 0 || g.grant("j", 0, "w4", false) == 0 {
		t.Error("a task that was given up is given out, or one that fails is not checked")
	}
}

// Among few owners four are enough to prove that a task fails. When there are more, of
// whom more may be liars, a vote against it opens the question again: the task has not
// failed meanwhile.
func TestThatATaskFailsCanBeDoubted(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4", "w5", "w6")
	spec := boundSpec(2, One/100)
	spec.AllowFailed = 1
	g.submit("j", spec)
	for _, w := range []string{"w1", "w2", "w3", "w4"} {
		g.run("j", 0, w, "!7")
	}
	j := g.Jobs["j"]
	if j.Failed != 1 || len(j.Open) != 0 {
		t.Fatalf("%d have failed, %+v", j.Failed, j.Open)
	}
	for i := range 10 {
		g.admit(Worker, fmt.Sprint("late", i), fmt.Sprint("newcomer", i))
	}
	g.run("j", 0, "w5", "aa")
	if task := j.Open[0]; j.Failed != 0 || len(j.Reasons) != 0 || task == nil || !task.Disputed || g.Judge(j, task).Want == 0 {
		t.Errorf("%d have failed, %+v", j.Failed, task)
	}
	for i := range 4 {
		g.run("j", 0, fmt.Sprint("late", i), "!7")
	}
	if j.Failed != 1 || g.Owners["owner-w5"].Banned == "" {
		t.Errorf("%d have failed, and w5 is banned for %q", j.Failed, g.Owners["owner-w5"].Banned)
	}
}

func TestShorten(t *testing.T) {
	log := "it died:\none\ntwo\nthree\nfour"
	for room, want := range map[int]string{
		100: log, 26: "it died:\ntwo\nthree\nfour", 20: "it died:\nthree\nfour", 15: "it died", 9: "it died:\n", 3: "it ",
	} {
		got := Shorten(log, room)
		if len(got) > room || room > 15 && got != want {
			t.Errorf("%d: got %q, want %q", room, got, want)
		}
	}
	for room := range 40 {
		if got := Shorten("é: éé\néééé\n"+strings.Repeat("é", 20), room); len(got) > room || !utf8.ValidString(got) {
			t.Errorf("%d: %q", room, got)
		}
	}
}

func TestRetryOfIsTheIDOfAJob(t *testing.T) {
	spec := rangeSpec(1)
	for id, valid := range map[JobID]bool{"": true, "sweep-abcdef": true, "a b": false, "\x1b[2J": false, JobID(strings.Repeat("x", 65)): false} {
		spec.RetryOf = id
		if r := spec.Validate(); (r == nil) != valid || r != nil && r.Subject != "retry_of" {
			t.Errorf("%q: %v", id, r)
		}
	}
	spec.RetryOf = "sweep-abcdef"
	if v, field := spec.version(); v != VersionInput || field != "retry_of" {
		t.Errorf("version %d for %q", v, field)
	}
}

func TestAllowFailedIsChecked(t *testing.T) {
	for _, c := range []struct {
		tasks uint32
		share Prob
		says  string
	}{
		{0, 0, ""}, {10, 0, ""}, {0, 1, ""}, {0, One, ""},
		{11, 0, "11 is more than the job's 10 tasks"}, {1, 1, "not both"}, {0, -1, "between 0 and 1"}, {0, One + 1, "between 0 and 1"},
	} {
		spec := rangeSpec(10)
		spec.AllowFailed, spec.AllowFailedShare = c.tasks, c.share
		r := spec.Validate()
		if (r != nil) != (c.says != "") || r != nil && (r.Subject != "allow_failed" || r.Next == "" || !strings.Contains(r.Message, c.says)) {
			t.Errorf("%+v: %v", c, r)
		}
	}
	spec := rangeSpec(7)
	for share, want := range map[Prob]int{0: 0, 1: 0, One/7 + 1: 1, One / 2: 3, One - 1: 6, One: 7} {
		if spec.AllowFailedShare = share; spec.MayFail() != want {
			t.Errorf("%v of 7 are %d, want %d", share, spec.MayFail(), want)
		}
	}
}
