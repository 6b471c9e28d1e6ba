package jobs

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected output in testdata/*.txt")

// The scenarios in testdata are commands, one a line, each followed by what it
// answers, indented. Blank lines and lines with # are for people.
//
//	coordinator NODE | worker NODE [OWNER] | submitter NODE OWNER
//	submit JOB [tasks=N] [replicas=N] [quorum=N] [max=N]
//	grant JOB TASK WORKER... [repeat]
//	report JOB/TASK/WORKER=OUTPUT...     an output, !EXITCODE, killed or lost
//	confirm COORDINATOR JOB TASK...
//	renew | expire | cancel JOB NODE | pass DURATION
//	show JOB | owners
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) { play(t, file) })
	}
}

func play(t *testing.T, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(string(text), "\r\n", "\n")
	got := perform(want)
	if *rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s: it went otherwise (see it with go test ./jobs -rewrite and git diff):\n%s", file, firstDifference(got, want))
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d:\n got %q\nwant %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// perform runs a script and returns it with the answers filled in.
func perform(script string) string {
	g := newGrid()
	g.admit(Submitter, "sub", "ann")
	var b strings.Builder
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "    ") {
			continue
		}
		b.WriteString(line)
		if words := strings.Fields(line); len(words) > 0 && words[0] != "#" {
			for answer := range strings.Lines(g.perform(words)) {
				b.WriteString("    " + strings.TrimSuffix(answer, "\n") + "\n")
			}
		}
	}
	return b.String()
}

func (g *grid) perform(words []string) string {
	args := words[1:]
	switch words[0] {
	case "coordinator", "worker", "submitter":
		role, _ := ParseRole(words[0])
		g.admit(role, args[0], append(args, args[0]+"-owner")[1])
	case "submit":
		return answer(g.submit(args[0], specOf(args[1:])))
	case "grant":
		return g.performGrant(args)
	case "report":
		return g.performReport(args)
	case "confirm":
		var tasks []uint32
		for _, a := range args[2:] {
			tasks = append(tasks, number(a))
		}
		return answer(g.confirm(args[0], args[1], tasks...))
	case "renew":
		g.apply(Command{Renew: &RenewLeases{All: true, Expires: g.clock.Add(leaseTime)}})
	case "expire":
		g.expire()
	case "cancel":
		return answer(g.apply(Command{Cancel: &CancelJob{Job: JobID(args[0]), By: NodeID(args[1])}}))
	case "pass":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err.Error()
		}
		g.pass(d)
	case "show":
		return g.show(JobID(args[0]))
	case "owners":
		return g.showOwners()
	default:
		return "unknown command " + words[0]
	}
	return ""
}

func specOf(args []string) Spec {
	s := rangeSpec(1)
	s.Trust = Trust{}
	for _, a := range args {
		key, value, _ := strings.Cut(a, "=")
		switch n := number(value); key {
		case "tasks":
			s.Input.Range.To = int64(n)
		case "replicas":
			s.Trust.Replicas = n
		case "quorum":
			s.Trust.Quorum = n
		case "max":
			s.Trust.MaxAttempts = n
		}
	}
	return s.WithDefaults()
}

func number(s string) uint32 {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		panic(err)
	}
	return uint32(n)
}

// answer is quiet about success.
func answer(out Outcome) string {
	if out.Rejection == nil {
		return ""
	}
	return fmt.Sprintf("%s: %v", out.Rejection.Reason, out.Rejection)
}

func (g *grid) performGrant(args []string) string {
	repeat := args[len(args)-1] == "repeat"
	if repeat {
		args = args[:len(args)-1]
	}
	var b strings.Builder
	for _, w := range args[2:] {
		if g.grant(args[0], number(args[1]), w, repeat) == 0 {
			fmt.Fprintf(&b, "%s: refused\n", w)
		}
	}
	return b.String()
}

func (g *grid) performReport(args []string) string {
	var reports []Report
	answer := ""
	for _, a := range args {
		place, how, _ := strings.Cut(a, "=")
		p := strings.Split(place, "/")
		id := g.lease(p[0], number(p[1]), p[2])
		if id == 0 {
			answer += place + ": no lease\n"
		}
		reports = append(reports, vote(id, p[2], how))
	}
	g.report(reports...)
	return answer
}

func (g *grid) show(id JobID) string {
	j := g.Jobs[id]
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s\n", j.State, j.Reason)
	fmt.Fprintf(&b, "%d of %d done, %d accepted, attempts %+v\n", j.Done(), j.Total(), len(j.Order), j.Attempts)
	for _, i := range j.Order {
		fmt.Fprintf(&b, "task %d: %s, held by %b\n", i, nameOf(Vote{Output: j.Closed[i].Output}), j.Closed[i].Holders)
	}
	for _, i := range j.OpenTasks() {
		fmt.Fprintf(&b, "task %d: %s\n", i, showTask(j.Open[i], j.Spec.Trust))
	}
	for _, e := range j.Events {
		fmt.Fprintf(&b, "event: %s\n", e.Text)
	}
	return strings.ReplaceAll(b.String(), " \n", "\n")
}

func showTask(t *Task, rule Trust) string {
	names := map[AttemptState]string{AttemptRunning: "running", AttemptKilled: "killed", AttemptLost: "lost", AttemptVoid: "void"}
	var list []string
	for _, a := range t.Attempts {
		if a.State == AttemptVoted {
			names[AttemptVoted] = nameOf(a.Vote)
		}
		list = append(list, string(a.Worker)+"="+names[a.State])
	}
	if t.Disputed {
		list = append(list, "disputed")
	}
	return strings.Join(list, " ") + fmt.Sprintf(", %d wanted", rule.Judge(t.Attempts).Want)
}

func nameOf(v Vote) string {
	if v.Failed {
		return fmt.Sprintf("!%d", v.ExitCode)
	}
	return strings.TrimRight(string(v.Output.ID[:]), "\x00")
}

func (g *grid) showOwners() string {
	var b strings.Builder
	for _, id := range sortedKeys(g.Owners) {
		if o := g.Owners[id]; o.Agreed+o.Outvoted > 0 || o.Banned != "" {
			fmt.Fprintf(&b, "%s: %d agreed, %d outvoted, banned: %q\n", id, o.Agreed, o.Outvoted, o.Banned)
		}
	}
	return b.String()
}
