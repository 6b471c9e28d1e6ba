package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/gridtest"
	"github.com/anthill-grid/anthill/internal/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker"
	"github.com/anthill-grid/anthill/worker/sandbox/guesttest"
)

// honest are the owners among whom the liars of these tests are a fifth: as
// many as a grid expects among strangers.
var honest = []string{"ada", "bruno", "chen", "dora", "emil", "fatma", "goran", "hana"}

// TestLiarsAreCaught runs jobs on grids with liars until all of them are
// banned. No job may keep a wrong result, and nobody honest may be banned.
func TestLiarsAreCaught(t *testing.T) {
	for _, c := range []struct {
		name string
		ways [2]worker.Misbehaviour
	}{
		{"random and constant", [2]worker.Misbehaviour{worker.Random, worker.Constant}},
		{"colluders", [2]worker.Misbehaviour{worker.Collude, worker.Collude}},
		{"copycat and sleeper", [2]worker.Misbehaviour{worker.Copycat, worker.Sleeper}},
	} {
		t.Run(c.name, func(t *testing.T) { testLiars(t, c.ways) })
	}
}

func testLiars(t *testing.T, ways [2]worker.Misbehaviour) {
	workers := gridtest.Strangers(honest...)
	for i, way := range ways {
		workers = append(workers, localgrid.Worker{Owner: fmt.Sprint("liar-", i), Misbehave: way})
	}
	grid := gridtest.Start(t, gridtest.Config{Workers: workers})
	client := grid.Connect(t)
	const maxJobs = 5
	caught := 0
	for n := 0; caught < len(ways); n++ {
		if n == maxJobs {
			t.Fatalf("%d of %d liars are banned after %d jobs", caught, len(ways), n)
		}
		id := runHonestly(t, client)
		caught = expectBansOfLiars(t, client)
		if n == 0 {
			expectTold(t, grid, client, id)
		}
	}
	for i := range workers {
		if log := grid.Log(t, fmt.Sprint("w", i+1)); strings.Contains(log, "copied a result") {
			t.Errorf("w%d got hold of what others said:\n%s", i+1, log)
		}
	}
	grid.ExpectAlive(t)
}

// runHonestly runs a job, all of whose results must be right and its error
// bounded as was asked for.
func runHonestly(t *testing.T, client *sdk.Grid) (id string) {
	t.Helper()
	file, want := echoJob(t, guesttest.EchoAfter(5), 150)
	id = submit(t, client, file)
	job := awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
	if asked := job.GetSpec().GetTrust().GetMaxError(); job.GetBound() > asked || job.GetBound() == 0 || asked != 1e-4 {
		t.Errorf("an expected error of %g was asked for, and %g reached", asked, job.GetBound())
	}
	return id
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

// expectTold looks whether people see what happened in a job.
func expectTold(t *testing.T, grid *gridtest.Grid, client *sdk.Grid, id string) {
	t.Helper()
	ban := firstBan(t, client, id)
	if ban == nil {
		return // nobody was caught so early
	}
	task := regexp.MustCompile(`task (\d+)`).FindStringSubmatch(ban.GetText())
	if task == nil || !strings.HasPrefix(ban.GetOwner(), "liar") {
		t.Fatalf("an event does not say who lied, or about what: %v", ban)
	}
	expectTask(t, grid, id, task[1], ban.GetOwner())
	if _, stdout, _ := grid.Run(t, "nodes"); !regexp.MustCompile(ban.GetOwner() + ` .*banned`).MatchString(stdout) {
		t.Errorf("anthill nodes does not say that %s is banned:\n%s", ban.GetOwner(), stdout)
	}
	if _, stdout, _ := grid.Run(t, "status", id); !strings.Contains(stdout, "asked") || !strings.Contains(stdout, "per task") {
		t.Errorf("anthill status does not say how sure the job is, or at what cost:\n%s", stdout)
	}
}

func firstBan(t *testing.T, client *sdk.Grid, id string) *anthillv1.Event {
	t.Helper()
	for update, err := range client.Watch(within(t, deadline), id) {
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range update.Events {
			if e.GetKind() == anthillv1.EventKind_EVENT_KIND_BANNED {
				return e
			}
		}
	}
	return nil
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
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Strangers("ada", "bruno")})
	file, want := echoJob(t, guesttest.Echo(), 2)
	client := grid.Connect(t)
	id := submit(t, client, file)
	job := awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
	if job.GetBound() <= job.GetSpec().GetTrust().GetMaxError() {
		t.Fatalf("two strangers are believed: %v", job)
	}
	code, _, stderr := grid.Run(t, "status", id, "--watch")
	if code != 5 || !strings.Contains(stderr, "further owners") || !strings.Contains(stderr, "--prior") {
		t.Errorf("anthill status --watch: exit code %d, %s", code, stderr)
	}
	if code, stdout, _ := grid.Run(t, "status", id); code != 0 || !strings.Contains(stdout, "further owners") {
		t.Errorf("anthill status: exit code %d\n%s", code, stdout)
	}
}
