package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// testContract speaks to the grid as any gRPC client could: with the files of
// an identity, the standard library's TLS, and nothing of the SDK.
func testContract(t *testing.T, grid *gridtest.Grid) {
	ann, ben := grid.Join(t, "ann"), grid.Join(t, "ben")
	t.Run("any coordinator answers", func(t *testing.T) { testAnyCoordinator(t, grid, ann) })
	t.Run("requests repeated", func(t *testing.T) { testRepeatedRequest(t, grid, ann) })
	t.Run("health and reflection", func(t *testing.T) { testHealthAndReflection(t, grid, ann) })
	t.Run("no certificate", func(t *testing.T) { testNoCertificate(t, grid) })
	t.Run("self-signed", func(t *testing.T) { testSelfSigned(t, grid) })
	t.Run("worker", func(t *testing.T) { testWorkersCertificate(t, grid) })
	t.Run("submitter", func(t *testing.T) { testSubmittersCertificate(t, grid, ann) })
	t.Run("other owner", func(t *testing.T) { testOtherOwner(t, grid, ann, ben) })
	t.Run("unscreened bundle", func(t *testing.T) { testUnscreenedBundle(t, grid) })
	t.Run("bad requests", func(t *testing.T) { testBadRequests(t, grid, ann) })
}

// coordinators are their addresses.
func coordinators(t *testing.T, grid *gridtest.Grid) []string {
	t.Helper()
	dir, err := identity.Load(grid.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(dir.Coordinators) != 3 {
		t.Fatalf("coordinators %v, want 3", dir.Coordinators)
	}
	return dir.Coordinators
}

// plainTLS is what grpcurl makes of -cacert, -cert and -key.
func plainTLS(t *testing.T, dir string) *tls.Config {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("no certificate in ca.pem")
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots}
}

func dial(t *testing.T, address string, config *tls.Config) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func dialAs(t *testing.T, address, dir string) *grpc.ClientConn {
	t.Helper()
	return dial(t, address, plainTLS(t, dir))
}

// expectStatus checks an error's code and the details that tell programs and
// people more: a reason, and what to do next.
func expectStatus(t *testing.T, what string, err error, code codes.Code, reason string) {
	t.Helper()
	st, _ := status.FromError(err)
	if st.Code() != code {
		t.Errorf("%s: got %v, want %v", what, err, code)
		return
	}
	var info *errdetails.ErrorInfo
	var next *errdetails.LocalizedMessage
	for _, detail := range st.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.LocalizedMessage:
			next = d
		}
	}
	if info.GetReason() != reason || info.GetDomain() != "anthill" {
		t.Errorf("%s: ErrorInfo of %v is %v, want the reason %s", what, err, info, reason)
	}
	if next.GetLocale() != "en" || next.GetMessage() == "" {
		t.Errorf("%s: no LocalizedMessage says what to do after %v", what, err)
	}
}

// request is a job that need not run: nobody serves its bundle.
func request(id string) *anthillv1.SubmitJobRequest {
	return &anthillv1.SubmitJobRequest{RequestId: id, Spec: &anthillv1.JobSpec{
		Name: "plain", Bundle: &anthillv1.BlobRef{Id: random(32), Size: 100},
		Input: &anthillv1.Input{Source: &anthillv1.Input_Range{Range: &anthillv1.RangeInput{To: 3, Step: 1}}},
	}}
}

// submitPlain submits such a job, and cancels it at the end of the test.
func submitPlain(t *testing.T, conn *grpc.ClientConn, req *anthillv1.SubmitJobRequest) (id string) {
	t.Helper()
	service := anthillv1.NewJobServiceClient(conn)
	resp, err := service.SubmitJob(within(t, deadline), req)
	if err != nil {
		t.Fatal(err)
	}
	id = resp.GetJob().GetId()
	t.Cleanup(func() {
		_, _ = service.CancelJob(context.Background(), &anthillv1.CancelJobRequest{JobId: id}) // done before, perhaps
	})
	return id
}

// testAnyCoordinator writes at each, and reads at all others what was written.
func testAnyCoordinator(t *testing.T, grid *gridtest.Grid, ann string) {
	addresses := coordinators(t, grid)
	for _, writer := range addresses {
		id := submitPlain(t, dialAs(t, writer, ann), request(""))
		for _, reader := range addresses {
			conn := dialAs(t, reader, ann)
			resp, err := anthillv1.NewJobServiceClient(conn).GetJob(within(t, deadline), &anthillv1.GetJobRequest{JobId: id})
			if err != nil || resp.GetJob().GetOwner() != "ann" || resp.GetJob().GetTasks().GetTotal() != 3 {
				t.Errorf("written at %s, read at %s: %v, %v", writer, reader, resp, err)
			}
			nodes, err := anthillv1.NewNodeServiceClient(conn).ListNodes(within(t, deadline), &anthillv1.ListNodesRequest{})
			if err != nil || len(nodes.GetNodes()) != 6 {
				t.Errorf("nodes at %s: %v, %v", reader, nodes, err)
			}
		}
	}
}

func testRepeatedRequest(t *testing.T, grid *gridtest.Grid, ann string) {
	req := request("the very same")
	ids := map[string]bool{}
	for _, address := range coordinators(t, grid) {
		ids[submitPlain(t, dialAs(t, address, ann), req)] = true
	}
	if len(ids) != 1 {
		t.Errorf("one request made the jobs %v", ids)
	}
}

func testHealthAndReflection(t *testing.T, grid *gridtest.Grid, ann string) {
	for _, address := range coordinators(t, grid) {
		conn := dialAs(t, address, ann)
		resp, err := healthv1.NewHealthClient(conn).Check(within(t, deadline), &healthv1.HealthCheckRequest{})
		if err != nil || resp.GetStatus() != healthv1.HealthCheckResponse_SERVING {
			t.Errorf("health of %s: %v, %v", address, resp, err)
		}
		services := strings.Join(reflect(t, conn), " ")
		for _, name := range []string{"JobService", "NodeService", "WorkService", "PieceService", "EnrolmentService"} {
			if !strings.Contains(services, "anthill.v1."+name) {
				t.Errorf("reflection at %s shows %s, without %s", address, services, name)
			}
		}
	}
}

func reflect(t *testing.T, conn *grpc.ClientConn) (services []string) {
	t.Helper()
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(within(t, deadline))
	if err != nil {
		t.Fatal(err)
	}
	err = stream.Send(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	})
	resp, recvErr := stream.Recv()
	if err := errors.Join(err, recvErr); err != nil {
		t.Fatal(err)
	}
	for _, s := range resp.GetListServicesResponse().GetService() {
		services = append(services, s.GetName())
	}
	return services
}

// testUnscreenedBundle names as its bundle what no SDK would have let through:
// a text that came in as another job's data file.
func testUnscreenedBundle(t *testing.T, grid *gridtest.Grid) {
	client := grid.Connect(t)
	file, _ := echoJob(t, handmade.Echo(), 1)
	file.Data = map[string]string{"text": write(t, "text", []byte("#!/bin/sh\necho hello\n"))}
	carrier := submit(t, client, file)
	job := awaitSuccess(t, client, carrier)
	req := request("")
	req.Spec.Bundle = job.GetSpec().GetData()[0].GetBlob()
	id := submitPlain(t, dialAs(t, coordinators(t, grid)[0], grid.Context()), req)
	job = await(t, client, id, "its end", sdk.Finished)
	if job.GetState() != anthillv1.JobState_JOB_STATE_FAILED || !strings.Contains(job.GetReason(), "not a WebAssembly module") {
		t.Errorf("a shell script as the bundle: %v: %s", job.GetState(), job.GetReason())
	}
}

func testBadRequests(t *testing.T, grid *gridtest.Grid, ann string) {
	for _, address := range coordinators(t, grid) {
		service := anthillv1.NewJobServiceClient(dialAs(t, address, ann))
		_, err := service.GetJob(within(t, deadline), &anthillv1.GetJobRequest{JobId: "nosuch"})
		expectStatus(t, "get", err, codes.NotFound, "UNKNOWN_JOB")
		_, err = service.CancelJob(within(t, deadline), &anthillv1.CancelJobRequest{JobId: "nosuch"})
		expectStatus(t, "cancel", err, codes.NotFound, "UNKNOWN_JOB")
		req := request("")
		req.Spec.Name = "no name"
		_, err = service.SubmitJob(within(t, deadline), req)
		expectStatus(t, "submit", err, codes.InvalidArgument, "INVALID_FIELD")
	}
}
