package e2e

import (
	"regexp"
	"testing"

	"github.com/anthill-grid/anthill/internal/gridtest"
	"github.com/anthill-grid/anthill/internal/localgrid"
	"github.com/anthill-grid/anthill/worker/sandbox/guesttest"
)

func TestLiarIsBanned(t *testing.T) {
	workers := append(gridtest.Workers("ada", "bruno", "chen"), localgrid.Worker{Owner: "mallory", Misbehave: true})
	grid := gridtest.Start(t, gridtest.Config{Workers: workers})
	client := grid.Connect(t)
	file, want := echoJob(t, guesttest.EchoAfter(5), 150)
	id := submit(t, client, file)
	job := awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
	if job.GetAttempts().GetOutvoted() < 3 {
		t.Errorf("the liar was outvoted %d times only", job.GetAttempts().GetOutvoted())
	}
	code, stdout, stderr := grid.Run(t, "nodes")
	if code != 0 {
		t.Fatalf("anthill nodes: exit code %d, %s", code, stderr)
	}
	if !regexp.MustCompile(`(?m)^\w+ +worker +mallory +alive, banned `).MatchString(stdout) {
		t.Errorf("the liar is not banned:\n%s", stdout)
	}
	if n := len(regexp.MustCompile(`banned`).FindAllString(stdout, -1)); n != 1 {
		t.Errorf("%d nodes are banned, want the liar alone:\n%s", n, stdout)
	}
	if code, _, stderr = grid.Run(t, "status", id); code != 0 {
		t.Errorf("anthill status: exit code %d, %s", code, stderr)
	}
	grid.ExpectAlive(t)
}
