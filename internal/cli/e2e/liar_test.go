package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker/misbehave"
)

// honest are the owners among whom the liars of these tests are a fifth: as
// many as a grid expects among strangers.
var honest = []string{"ada", "bruno", "chen", "dora", "emil", "fatma", "goran", "hana"}

// TestLiarsAreCaught runs jobs on grids with liars until all of them are
// banned. No job may keep a wrong result, and nobody honest may be banned.
func TestLiarsAreCaught(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		ways [2]misbehave.Way
	}{
		{"random and constant", [2]misbehave.Way{misbehave.Random, misbehave.Constant}},
		{"colluders", [2]misbehave.Way{misbehave.Collude, misbehave.Collude}},
		{"copycat and sleeper", [2]misbehave.Way{misbehave.Copycat, misbehave.Sleeper}},
		{"who lie about fuel alone", [2]misbehave.Way{misbehave.Fuel, misbehave.Fuel}},
	} {
		t.Run(c.name, func(t *testing.T) { testLiars(t, c.ways) })
	}
}

func testLiars(t *testing.T, ways [2]misbehave.Way) {
	workers := gridtest.Strangers(honest...)
	for i, way := range ways {
		workers = append(workers, localgrid.Worker{Owner: fmt.Sprint("liar-", i), Misbehave: way})
	}
	grid := gridtest.Start(t, gridtest.Config{Workers: workers})
	client := grid.Connect(t)
	const maxJobs = 5
	caught, told := 0, 0
	for n := 0; caught < len(ways); n++ {
		if n == maxJobs {
			t.Fatalf("%d of %d liars are banned after %d jobs", caught, len(ways), n)
		}
		job := runHonestly(t, client)
		caught = expectBansOfLiars(t, client)
		told += expectTold(t, grid, client, job)
		expectDifference(t, grid, job)
	}
	if told != caught {
		t.Errorf("events tell of %d bans, and there were %d", told, caught)
	}
	expectStanding(t, grid)
	for i, w := range workers {
		log := grid.Log(t, fmt.Sprint("w", i+1))
		if strings.Contains(log, "copied a result") {
			t.Errorf("w%d got hold of what others said:\n%s", i+1, log)
		}
		if lied := strings.Contains(log, "lie=true"); lied != (w.Misbehave != misbehave.Honest) {
			t.Errorf("w%d of %s has lied: %t", i+1, w.Owner, lied)
		}
	}
	grid.ExpectAlive(t)
}

// runHonestly runs a job, all of whose results must be right and its error
// bounded as was asked for.
func runHonestly(t *testing.T, client *sdk.Grid) *anthillv1.Job {
	t.Helper()
	file, want := echoJob(t, handmade.EchoAfter(5), 150)
	id := submit(t, client, file)
	job := awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
	if asked := job.GetSpec().GetTrust().GetMaxError(); job.GetBound() > asked || job.GetBound() == 0 || asked != 1e-4 {
		t.Errorf("an expected error of %g was asked for, and %g reached", asked, job.GetBound())
	}
	return job
}

// expectDifference wants the owner of a job with disputes to be told how results differ.
func expectDifference(t *testing.T, grid *gridtest.Grid, job *anthillv1.Job) {
	t.Helper()
	if job.GetTasks().GetDisputes() == 0 {
		return
	}
	for _, command := range []string{"status", "logs"} {
		code, stdout, stderr := grid.Run(t, command, job.GetId())
		if code != 0 || !strings.Contains(stdout, "differs from ") || !strings.Contains(stdout, " there") {
			t.Errorf("%s does not say how results differ: code %d\n%s%s", command, code, stdout, stderr)
		}
	}
}

// expectBansOfLiars counts the liars who are banned, by their names.
func expectBansOfLiars(t *testing.T, client *sdk.Grid) int {
	t.Helper()
	nodes, err := client.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, node := range nodes {
		liar, record := strings.HasPrefix(node.GetOwner(), "liar"), node.GetRecord()
		if record.GetBanned() && !liar {
			t.Errorf("%s is honest, and banned: %s", node.GetOwner(), record.GetBannedReason())
		}
		if record.GetBanned() && liar {
			n++
		}
	}
	return n
}

// expectTold looks whether people see what happened in a job, and counts the
// bans that they are told of.
func expectTold(t *testing.T, grid *gridtest.Grid, client *sdk.Grid, job *anthillv1.Job) (bans int) {
	t.Helper()
	events := eventsOf(t, client, job.GetId())
	for _, ban := range events[anthillv1.EventKind_EVENT_KIND_BANNED] {
		bans++
		task := regexp.MustCompile(`task (\d+)`).FindStringSubmatch(ban.GetText())
		if task == nil || !strings.HasPrefix(ban.GetOwner(), "liar") {
			t.Fatalf("an event does not say who lied, or about what: %v", ban)
		}
		expectTask(t, grid, job.GetId(), task[1], ban.GetOwner())
	}
	for kind, n := range map[anthillv1.EventKind]uint32{
		anthillv1.EventKind_EVENT_KIND_DISPUTED: job.GetTasks().GetDisputes(),
		anthillv1.EventKind_EVENT_KIND_REOPENED: job.GetTasks().GetReopened(),
		anthillv1.EventKind_EVENT_KIND_CHANGED:  job.GetTasks().GetChanged(),
	} {
		if told := len(events[kind]) > 0; told != (n > 0) {
			t.Errorf("%d tasks of the job are %s, and its events of that are %v", n, kind, events[kind])
		}
	}
	if _, stdout, _ := grid.Run(t, "status", job.GetId()); !strings.Contains(stdout, "asked") || !strings.Contains(stdout, "per task") {
		t.Errorf("anthill status does not say how sure the job is, or at what cost:\n%s", stdout)
	}
	return bans
}

func eventsOf(t *testing.T, client *sdk.Grid, id string) map[anthillv1.EventKind][]*anthillv1.Event {
	t.Helper()
	events := map[anthillv1.EventKind][]*anthillv1.Event{}
	for update, err := range client.Watch(within(t, deadline), id) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range update.Events {
			events[e.GetKind()] = append(events[e.GetKind()], e)
		}
	}
	return events
}

// expectStanding: the list of nodes says who is trusted, and who is banned for
// what.
func expectStanding(t *testing.T, grid *gridtest.Grid) {
	t.Helper()
	_, stdout, _ := grid.Run(t, "nodes")
	for what, pattern := range map[string]string{
		"its columns":          `(?i)checks +credibility +doubts`,
		"the first liar's ban": `(?m)liar-0 .*banned.* outvoted on task \d+ of`,
		"the other's":          `(?m)liar-1 .*banned.* outvoted on task \d+ of`,
		"who survived checks":  `(?m)(` + strings.Join(honest, "|") + `) +alive +1 +\d+ +[1-9]\d* +0\.\d+ +0 `,
	} {
		if !regexp.MustCompile(pattern).MatchString(stdout) {
			t.Errorf("anthill nodes does not show %s:\n%s", what, stdout)
		}
	}
}

// expectTask: who said what of a task that somebody lied about.
func expectTask(t *testing.T, grid *gridtest.Grid, id, task, liar string) {
	t.Helper()
	code, stdout, stderr := grid.Run(t, "status", id, "--task", task)
	if code != 0 {
		t.Fatalf("anthill status --task: exit code %d, %s", code, stderr)
	}
	if !strings.Contains(stdout, "accepted") || !regexp.MustCompile(`(?m)`+liar+`\b.*outvoted`).MatchString(stdout) {
		t.Errorf("anthill status --task %s does not say that %s was outvoted:\n%s", task, liar, stdout)
	}
	if n := len(regexp.MustCompile(`(?m)^.*\b(`+strings.Join(honest, "|")+`)\b.*$`).FindAllString(stdout, -1)); n < 2 {
		t.Errorf("only %d honest attempts at task %s are shown:\n%s", n, task, stdout)
	}
}

// TestTooFewToAsk: two strangers cannot make a grid sure. The job ends, says how
// far it came, and what would help.
func TestTooFewToAsk(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Strangers("ada", "bruno")})
	file, want := echoJob(t, handmade.Echo(), 2)
	jobFile := write(t, "job.yaml", fmt.Appendf(nil, "name: echo\nbundle: %s\ninput: {items: [%q, %q]}\n", file.Bundle, file.Input.Items[0], file.Input.Items[1]))
	submitted, _, stderr := grid.Run(t, "submit", "--allow-outside", "--wait", jobFile)
	expectShort(t, "submit --wait", submitted, stderr)
	client := grid.Connect(t)
	list, err := client.Jobs(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("jobs %v, %v, want one", list, err)
	}
	job, id := list[0], list[0].GetId()
	if job.GetBound() <= job.GetSpec().GetTrust().GetMaxError() || job.GetState() != succeeded {
		t.Fatalf("two strangers are believed: %v", job)
	}
	expectResults(t, client, id, want)
	watched, _, stderr := grid.Run(t, "status", id, "--watch")
	expectShort(t, "status --watch", watched, stderr)
	if code, stdout, _ := grid.Run(t, "status", id); code != 0 || !strings.Contains(stdout, "further owners") {
		t.Errorf("anthill status: exit code %d\n%s", code, stdout)
	}
}

func expectShort(t *testing.T, command string, code int, stderr string) {
	t.Helper()
	if code != 5 || !strings.Contains(stderr, "further owners") || !strings.Contains(stderr, "--prior") {
		t.Errorf("anthill %s: exit code %d, %s", command, code, stderr)
	}
}
