package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestASlowLineHoldsUpNoJob has two donors who compute fast and whose results of three
// MiB trickle: others compute them again, and nobody is the worse for it.
func TestASlowLineHoldsUpNoJob(t *testing.T) {
	workers := gridtest.Friends("ada", "bruno")
	for _, owner := range []string{"slow", "slower"} {
		workers = append(workers, localgrid.Worker{Owner: owner, Prior: 0.001, Slots: 4, Upload: map[string]string{"slow": "8KiB/s", "slower": "1KiB/s"}[owner]})
	}
	grid := gridtest.Start(t, gridtest.Config{Workers: workers})
	client := grid.Connect(t)
	const size = 3 << 20
	file, want := echoJob(t, handmade.Pad(size), 40)
	for i, item := range want {
		want[i] = item + strings.Repeat("\x00", size-len(item))
	}
	file.Trust.Replicas = 1
	began := time.Now()
	id := submit(t, client, file)
	job := awaitSuccess(t, client, id)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("the job took %v", took)
	}
	if job.GetTasks().GetReopened() == 0 {
		t.Errorf("no result was taken back, and so this tested nothing: %v", job)
	}
	expectResults(t, client, id, want)
	nodes, err := client.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if n.GetRole() == anthillv1.Role_ROLE_WORKER && strings.HasPrefix(n.GetOwner(), "slow") && n.GetReliability() < 1 {
			t.Errorf("%s has a reliability of %v", n.GetOwner(), n.GetReliability())
		}
	}
}
