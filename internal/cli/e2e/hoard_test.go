package e2e

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// TestOneOwnerHoards tries to fill the grid as an owner with a submitter's and a worker's
// token: with jobs, and with results that nobody computed.
func TestOneOwnerHoards(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{})
	eve := grid.Join(t, "eve")
	testMadeUpResults(t, grid, eve)
	testManyLargeJobs(t, grid, eve)
	grid.ExpectAlive(t)
}

// testMadeUpResults has a worker that speaks the protocol alone report what it likes for
// its own owner's job.
func testMadeUpResults(t *testing.T, grid *gridtest.Grid, eve string) {
	const most, size = 48 << 20, 200 << 10
	if code, _, stderr := grid.Run(t, "owner", "set", "eve", "--results", "48MiB"); code != 0 {
		t.Fatalf("anthill owner set: exit code %d, %s", code, stderr)
	}
	client, err := sdk.Connect(t.Context(), sdk.Config{Grid: eve, Patience: deadline})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	id := submit(t, client, &sdk.JobFile{
		Name: "hoard", Bundle: write(t, "guest.wasm", handmade.Loop()), Input: sdk.Input{Range: &sdk.Range{To: 500, Step: 1}},
		Trust: sdk.Trust{Replicas: 1}, Limits: sdk.Limits{Output: size},
	})
	before := held(t, grid)
	work := anthillv1.NewWorkServiceClient(as(t, worker(t, grid, "eve"), coordinators(t, grid)))
	reported, idle := 0, 0
	for end := time.Now().Add(30 * time.Second); idle < 2 && time.Now().Before(end); idle++ {
		offer, err := work.Offer(within(t, deadline), &anthillv1.OfferRequest{Capacity: 16, Metering: 100})
		if err != nil {
			t.Fatal(err)
		}
		if len(offer.GetLeases()) > 0 {
			idle = -1
		}
		req := &anthillv1.ReportRequest{}
		for _, lease := range offer.GetLeases() {
			data := random(size)
			req.Reports = append(req.Reports, &anthillv1.AttemptReport{
				Lease: lease.GetId(), Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED, Data: data, Output: wire.RefToProto(blob.Of(data).Ref()), Fuel: 1,
			})
		}
		if _, err := work.Report(within(t, deadline), req); err != nil {
			t.Fatal(err)
		}
		reported += len(req.GetReports()) * size
	}
	if reported < most*9/10 {
		t.Errorf("it reported %d bytes, and may have %d", reported, most)
	}
	for i, now := range held(t, grid) {
		if grew := now - before[i]; grew > most*11/10 {
			t.Errorf("of %d bytes that it reported, coordinator %d holds %d, and the account has %d", reported, i+1, grew, most)
		}
	}
	if _, err := client.Cancel(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	// So much of what went may stay in packs.
	awaitHeld(t, grid, "what it made up is gone", func(n int64) bool { return n < before[0]+34<<20 })
	t.Logf("%d bytes of made-up results were reported", reported)
}

// testManyLargeJobs has all that this owner may submit at once be as large as it can, and
// sees that others list jobs, and have theirs run, as before.
func testManyLargeJobs(t *testing.T, grid *gridtest.Grid, eve string) {
	dir, err := identity.Load(eve)
	if err != nil {
		t.Fatal(err)
	}
	var submitting sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for c, address := range coordinators(t, grid) {
		client := anthillv1.NewJobServiceClient(as(t, dir.Identity, []string{address}))
		for i := range 100 {
			submitting.Go(func() {
				bundle := sha256.Sum256([]byte("nobody has this"))
				_, err := client.SubmitJob(within(t, deadline), &anthillv1.SubmitJobRequest{RequestId: fmt.Sprint(c, "-", i), Spec: &anthillv1.JobSpec{
					Name: "large", Bundle: &anthillv1.BlobRef{Id: bundle[:], Size: 100}, Args: []string{strings.Repeat("x", 60<<10)},
					Input: &anthillv1.Input{Source: &anthillv1.Input_Range{Range: &anthillv1.RangeInput{To: 1, Step: 1}}},
				}})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					taken++
				} else if status.Code(err) != codes.ResourceExhausted {
					t.Errorf("submit: %v", err)
				}
			})
		}
	}
	submitting.Wait()
	if taken < 20 {
		t.Errorf("%d of 300 jobs were taken, which is not much", taken)
	}
	t.Logf("%d of 300 large jobs were taken", taken)
	for name, list := range map[string]func(...string) (int, string, string){
		"an operator": func(args ...string) (int, string, string) { return grid.Run(t, args...) },
		"eve":         func(args ...string) (int, string, string) { return grid.RunAs(t, eve, args...) },
	} {
		code, stdout, stderr := list("jobs", "--all")
		if lines := strings.Count(stdout, "large"); code != 0 || lines != taken {
			t.Errorf("anthill jobs of %s: exit code %d, %d of %d jobs, %s", name, code, lines, taken, stderr)
		}
		if code, stdout, _ := list("jobs", "--all", "--full", "-o", "json"); code != 0 || len(stdout) < taken*60<<10 {
			t.Errorf("with whole specs, of %s: exit code %d, %d bytes", name, code, len(stdout))
		}
	}
	if code, stdout, stderr := grid.RunAs(t, grid.Join(t, "ann"), "jobs", "--all"); code != 0 || strings.Contains(stdout, "large") {
		t.Errorf("anthill jobs of another owner: exit code %d, %s%s", code, stdout, stderr)
	}
}

// worker gives the identity of a worker that does not run.
func worker(t *testing.T, grid *gridtest.Grid, owner string) *identity.Identity {
	t.Helper()
	token, err := identity.ParseToken(grid.Token(t, anthillv1.Role_ROLE_WORKER, owner, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	got, err := enrol.Enrol(t.Context(), enrol.Config{Token: token, Key: key, Role: jobs.Worker, Address: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	return got.Directory.Identity
}

// as connects to coordinators with an identity.
func as(t *testing.T, id *identity.Identity, addresses []string) *gridconn.Conn {
	t.Helper()
	conn, err := gridconn.Dial(id, addresses)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}
