package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// revokedTime is how soon nobody serves a revoked node any more.
const revokedTime = 5 * time.Second

// TestRevokedNodesAreServedByNobody steals a worker's key, and has it revoked while the
// thief holds connections to a coordinator and to another worker. Then a coordinator is
// removed.
func TestRevokedNodesAreServedByNobody(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno", "carl")})
	stolen, err := identity.Load(grid.Dir("w3"))
	if err != nil {
		t.Fatal(err)
	}
	thief := stolen.Identity
	honest, err := identity.Load(grid.Dir("w1"))
	if err != nil {
		t.Fatal(err)
	}
	worker, coordinator := whereIs(t, grid, string(honest.Identity.Node())), coordinators(t, grid)[0]
	if err := grid.Kill("w3"); err != nil {
		t.Fatal(err)
	}
	standing := map[string]grpc.ClientConnInterface{"worker": dial(t, worker, thief.ClientTLS(nil, identity.ProtoGRPC)), "coordinator": dial(t, coordinator, thief.ClientTLS(nil, identity.ProtoGRPC))}
	for name, conn := range standing {
		if err := read(t, conn); err != nil {
			t.Fatalf("before, the %s says %v", name, err)
		}
	}
	began := time.Now()
	must(t, grid, "node", "revoke", string(thief.Node()), "--reason", "stolen")
	fresh := func(address string) error { return read(t, dial(t, address, thief.ClientTLS(nil, identity.ProtoGRPC))) }
	for name, refused := range map[string]func() bool{
		"the worker, as before":     func() bool { return read(t, standing["worker"]) != nil },
		"the coordinator":           func() bool { return status.Code(read(t, standing["coordinator"])) == codes.PermissionDenied },
		"the worker, anew":          func() bool { return fresh(worker) != nil },
		"another coordinator":       func() bool { return status.Code(fresh(coordinators(t, grid)[1])) == codes.PermissionDenied },
		"yet another, of the three": func() bool { return status.Code(fresh(coordinators(t, grid)[2])) == codes.PermissionDenied },
	} {
		for !refused() {
			if time.Since(began) > revokedTime {
				t.Fatalf("%v after the revocation %s serves the thief", time.Since(began), name)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	t.Logf("revoked_served_after_s %.2f", time.Since(began).Seconds())
	if list := must(t, grid, "log"); !strings.Contains(list, "node revoked") || !strings.Contains(list, "stolen") {
		t.Errorf("the record says\n%s", list)
	}
	if list := must(t, grid, "node", "list", "--all"); !strings.Contains(list, "revoked") {
		t.Errorf("the nodes are\n%s", list)
	}
	removeACoordinator(t, grid)
}

// removeACoordinator takes the vote of the leader itself.
func removeACoordinator(t *testing.T, grid *gridtest.Grid) {
	t.Helper()
	client := grid.Connect(t)
	nodes, err := client.Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leader := ""
	for _, n := range nodes {
		if n.GetLeader() {
			leader = n.GetId()
		}
	}
	if code, _, stderr := grid.Run(t, "node", "rm", leader); code == 0 || !strings.Contains(stderr, "coordinator rm") {
		t.Errorf("a coordinator is removed by mistake: exit code %d, %s", code, stderr)
	}
	must(t, grid, "coordinator", "rm", leader, "--reason", "sold")
	expectSoon(t, "it has ended, and has no vote", func() bool {
		nodes, err := client.Nodes(t.Context())
		voters := 0
		for _, n := range nodes {
			if n.GetId() == leader {
				return false
			}
			if n.GetVoter() {
				voters++
			}
		}
		return err == nil && voters == 2 && len(grid.Ended()) == 1
	})
	file, want := echoJob(t, handmade.Echo(), 3)
	id := submit(t, client, file)
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)
}

// read asks for a blob that is not there.
func read(t *testing.T, conn grpc.ClientConnInterface) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	id := blob.Of([]byte("nothing")).ID()
	stream, err := anthillv1.NewPieceServiceClient(conn).ReadBlobs(ctx, &anthillv1.ReadBlobsRequest{Blobs: [][]byte{id[:]}})
	if err == nil {
		_, err = stream.Recv()
	}
	return err
}

// whereIs is where a node serves.
func whereIs(t *testing.T, grid *gridtest.Grid, node string) string {
	t.Helper()
	nodes, err := grid.Connect(t).Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if n.GetId() == node && n.GetAddress() != "" {
			return n.GetAddress()
		}
	}
	t.Fatalf("nobody knows where node %s is", node)
	return ""
}
