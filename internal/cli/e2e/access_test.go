package e2e

import (
	"crypto/tls"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// testNoCertificate sees the refusal at the first read: in TLS 1.3 a client has
// shaken hands before the server looks at its certificate.
func testNoCertificate(t *testing.T, grid *gridtest.Grid) {
	config := plainTLS(t, grid.Context())
	config.Certificates, config.NextProtos = nil, []string{identity.ProtoGRPC}
	conn, err := tls.Dial("tcp", coordinators(t, grid)[0], config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if _, err = conn.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without a certificate: %v", err)
	}
}

// methods are one or more of each service.
var methods = map[string][]string{
	"job":         {"JobService/ListJobs", "JobService/SubmitJob", "JobService/CancelJob"},
	"node":        {"NodeService/ListNodes"},
	"work":        {"WorkService/Offer", "WorkService/Report", "WorkService/Heartbeat"},
	"coordinator": {"CoordinatorService/ReadIndex", "CoordinatorService/ConfirmHeld"},
	"token":       {"EnrolmentService/CreateToken"},
	"piece":       {"PieceService/ReadBlobs", "TrackerService/Announce", "TrackerService/ReportPeers"},
}

// expectRefused calls methods of these kinds with empty messages.
func expectRefused(t *testing.T, grid *gridtest.Grid, config *tls.Config, code codes.Code, reason string, kinds ...string) {
	t.Helper()
	for _, address := range coordinators(t, grid) {
		conn := dial(t, address, config)
		for _, kind := range kinds {
			for _, method := range methods[kind] {
				err := conn.Invoke(within(t, deadline), "/anthill.v1."+method, &emptypb.Empty{}, &emptypb.Empty{})
				expectStatus(t, method, err, code, reason)
			}
		}
	}
}

// testSelfSigned may call Enrol, which then refuses the token, and nothing else.
func testSelfSigned(t *testing.T, grid *gridtest.Grid) {
	operator, err := identity.Load(grid.Context())
	if err != nil {
		t.Fatal(err)
	}
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	config, err := identity.EnrolTLS(key, operator.Identity.Fingerprints())
	if err != nil {
		t.Fatal(err)
	}
	expectRefused(t, grid, config, codes.Unauthenticated, "NO_CERTIFICATE", "job", "node", "work", "coordinator", "token", "piece")
	for _, address := range coordinators(t, grid) {
		_, err = anthillv1.NewEnrolmentServiceClient(dial(t, address, config)).
			Enrol(within(t, deadline), &anthillv1.EnrolRequest{Secret: random(16), Role: anthillv1.Role_ROLE_WORKER})
		expectStatus(t, "enrol", err, codes.PermissionDenied, "TOKEN_UNKNOWN")
	}
}

func testWorkersCertificate(t *testing.T, grid *gridtest.Grid) {
	worker := plainTLS(t, grid.Dir("w1"))
	expectRefused(t, grid, worker, codes.PermissionDenied, "WRONG_ROLE", "job", "node", "coordinator", "token")
	for _, address := range coordinators(t, grid) {
		if err := speakRaft(t, address, worker, deadline); err != nil {
			t.Errorf("a worker's raft connection to %s was not closed: %v", address, err)
		}
	}
	coordinator := plainTLS(t, grid.Dir("c2"))
	if err := speakRaft(t, coordinators(t, grid)[0], coordinator, 200*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a coordinator's raft connection was closed: %v", err)
	}
}

// speakRaft opens a raft connection, and returns nil if the other end closes it.
func speakRaft(t *testing.T, address string, config *tls.Config, patience time.Duration) error {
	t.Helper()
	config.NextProtos = []string{identity.ProtoRaft}
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

func testSubmittersCertificate(t *testing.T, grid *gridtest.Grid, ann string) {
	expectRefused(t, grid, plainTLS(t, ann), codes.PermissionDenied, "WRONG_ROLE", "work", "coordinator", "token")
}

// testOtherOwner lets ben reach for ann's job.
func testOtherOwner(t *testing.T, grid *gridtest.Grid, ann, ben string) {
	address := coordinators(t, grid)[0]
	id := submitPlain(t, dialAs(t, address, ann), request(""))
	for _, address := range coordinators(t, grid) {
		service := anthillv1.NewJobServiceClient(dialAs(t, address, ben))
		_, err := service.CancelJob(within(t, deadline), &anthillv1.CancelJobRequest{JobId: id})
		expectStatus(t, "cancel", err, codes.NotFound, "UNKNOWN_JOB")
		stream, err := service.StreamResults(within(t, deadline), &anthillv1.StreamResultsRequest{JobId: id})
		if err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		expectStatus(t, "results", err, codes.NotFound, "UNKNOWN_JOB")
	}
}
