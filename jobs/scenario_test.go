package jobs

import (
	"flag"
	"fmt"
	"math"
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
//	rules VERSION                        in the first line: not the newest
//	coordinator NODE | worker NODE [OWNER] [prior=P] | submitter NODE OWNER
//	submit JOB [tasks=N] [replicas=N] [quorum=N] [max=N] [max_error=P] [allow=N|allow=P]
//	grant JOB TASK[-TASK] WORKER... [repeat]
//	report JOB/TASK/WORKER=OUTPUT...     an output, !EXITCODE, killed, lost, starved or stopped; @FUEL
//	beat WORKER... | gone WORKER...      they have what they held, or nothing of it
//	confirm | lose | miss COORDINATOR JOB TASK...   the latest results of tasks
//	giveup JOB WORKER...                 the tasks that are forlorn if these are live
//	renew | expire | cancel JOB NODE | concede JOB | pass DURATION
//	checks OWNER N                       as if it had survived so many
//	show JOB | task JOB TASK | owners | nodes
//	plan JOB                             what the next attempt is for
//	exhausted JOB WORKER...              whether these have run every task
//
// Tasks are opened in the order of their index, so that these are places too.
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
	g := oldGrid()
	g.raise(script)
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

// raise brings the newest rules into force, or those that the script says.
func (g *grid) raise(script string) {
	version := LastVersion
	if rest, says := strings.CutPrefix(script, "rules "); says {
		version = Version(number(strings.Fields(rest)[0]))
	}
	g.apply(Command{Raise: &RaiseVersion{Version: version}})
}

func (g *grid) perform(words []string) string {
	args := words[1:]
	switch words[0] {
	case "rules": // the first line, see raise
	case "coordinator", "worker", "submitter":
		g.performAdmit(words[0], args)
	case "submit":
		return answer(g.submit(args[0], specOf(args[1:])))
	case "grant":
		return g.performGrant(args)
	case "report":
		return g.performReport(args)
	case "confirm", "lose", "miss":
		return g.performHeld(words[0], args)
	case "renew":
		g.apply(Command{Renew: &RenewLeases{All: true, Expires: g.clock.Add(leaseTime)}})
	case "expire":
		g.expire()
	case "beat":
		g.beat(args...)
	case "gone":
		g.gone(args...)
	case "cancel":
		return answer(g.apply(Command{Cancel: &CancelJob{Job: JobID(args[0]), By: NodeID(args[1])}}))
	case "concede":
		return answer(g.apply(Command{Concede: &ConcedeJob{Job: JobID(args[0])}}))
	case "checks":
		g.Owners[OwnerID(args[0])].Checks = uint64(number(args[1]))
	case "giveup":
		return answer(g.giveUp(args[0], args[1:]...))
	case "pass":
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return err.Error()
		}
		g.pass(d)
	case "show":
		return g.show(JobID(args[0]))
	case "task":
		return g.showReport(g.Inspect(g.Jobs[JobID(args[0])], Place(number(args[1]))))
	case "plan":
		if g.PlanChecks(g.Jobs[JobID(args[0])], Rates{}).Behind() {
			return "a second opinion"
		}
		return "a fresh task"
	case "exhausted":
		return fmt.Sprint(g.AllAsked(g.Jobs[JobID(args[0])], nodeIDs(args[1:])))
	case "owners":
		return g.showOwners()
	case "nodes":
		return g.showNodes()
	default:
		return "unknown command " + words[0]
	}
	return ""
}

func (g *grid) performHeld(what string, args []string) string {
	var places []Place
	for _, a := range args[2:] {
		places = append(places, Place(number(a)))
	}
	say := map[string]func(string, string, ...Place) Outcome{"confirm": g.confirm, "lose": g.lose, "miss": g.miss}[what]
	return answer(say(args[0], args[1], places...))
}

func nodeIDs(names []string) []NodeID {
	var list []NodeID
	for _, name := range names {
		list = append(list, NodeID(name))
	}
	return list
}

func (g *grid) performAdmit(kind string, args []string) {
	var prior Prob
	owner := args[0] + "-owner"
	for _, a := range args[1:] {
		if p, found := strings.CutPrefix(a, "prior="); found {
			prior = parseProb(p)
		} else {
			owner = a
		}
	}
	role, _ := ParseRole(kind)
	g.admitWith(role, args[0], owner, prior)
}

func specOf(args []string) Spec {
	tasks, trust, allow := uint32(1), Trust{}, Spec{}
	for _, a := range args {
		switch key, value, _ := strings.Cut(a, "="); key {
		case "tasks":
			tasks = number(value)
		case "replicas":
			trust.Replicas = number(value)
		case "quorum":
			trust.Quorum = number(value)
		case "max":
			trust.MaxAttempts = number(value)
		case "max_error":
			trust.MaxError = parseProb(value)
		case "allow":
			if strings.Contains(value, ".") {
				allow.AllowFailedShare = parseProb(value)
			} else {
				allow.AllowFailed = number(value)
			}
		}
	}
	spec := trustSpec(int64(tasks), trust)
	spec.AllowFailed, spec.AllowFailedShare = allow.AllowFailed, allow.AllowFailedShare
	return spec
}

// parseProb reads a decimal fraction.
func parseProb(s string) Prob {
	p, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return Prob(math.Round(p * float64(One)))
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
	from, to, several := strings.Cut(args[1], "-")
	if !several {
		to = from
	}
	var b strings.Builder
	for place := Place(number(from)); place <= Place(number(to)); place++ {
		for _, w := range args[2:] {
			if g.grant(args[0], place, w, repeat) == 0 {
				fmt.Fprintf(&b, "%s: refused\n", w)
			}
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
		id := g.lease(p[0], Place(number(p[1])), p[2])
		if id == 0 {
			answer += place + ": no lease\n"
		}
		reports = append(reports, vote(id, p[2], how))
	}
	g.report(reports...)
	return answer
}
