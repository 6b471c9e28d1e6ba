package rpc

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// who may call what: s(tranger), c(oordinator), w(orker), u (submitter),
// o(perator). Written down apart from access, which it checks.
var who = map[string]string{
	"anthill.v1.JobService/SubmitJob":                "uo",
	"anthill.v1.JobService/GetJob":                   "uo",
	"anthill.v1.JobService/ListJobs":                 "uo",
	"anthill.v1.JobService/WatchJob":                 "uo",
	"anthill.v1.JobService/CancelJob":                "uo",
	"anthill.v1.JobService/DeleteJob":                "uo",
	"anthill.v1.JobService/WatchTasks":               "uo",
	"anthill.v1.JobService/GetSwarm":                 "uo",
	"anthill.v1.JobService/GetTask":                  "uo",
	"anthill.v1.JobService/StreamResults":            "uo",
	"anthill.v1.BlobService/KeepBlob":                "uo",
	"anthill.v1.BlobService/GetBlob":                 "uo",
	"anthill.v1.BlobService/ListBlobs":               "uo",
	"anthill.v1.BlobService/DropBlob":                "uo",
	"anthill.v1.BlobService/NameRuntime":             "uo",
	"anthill.v1.BlobService/ShareBlob":               "uo",
	"anthill.v1.BlobService/ListRuntimes":            "uo",
	"anthill.v1.AccountService/SetOwner":             "o",
	"anthill.v1.AccountService/GetAccount":           "uo",
	"anthill.v1.NodeService/ListNodes":               "cuo",
	"anthill.v1.WorkService/Offer":                   "w",
	"anthill.v1.WorkService/Report":                  "w",
	"anthill.v1.WorkService/Heartbeat":               "w",
	"anthill.v1.PieceService/Exchange":               "cwuo",
	"anthill.v1.PieceService/ReadBlobs":              "cwuo",
	"anthill.v1.TrackerService/Announce":             "cwuo",
	"anthill.v1.TrackerService/ReportPeers":          "cwuo",
	"anthill.v1.CoordinatorService/ReadIndex":        "c",
	"anthill.v1.CoordinatorService/ConfirmHeld":      "c",
	"anthill.v1.CoordinatorService/GetProgress":      "c",
	"anthill.v1.CoordinatorService/Describe":         "c",
	"anthill.v1.CoordinatorService/LocateWorkers":    "c",
	"anthill.v1.CoordinatorService/Beat":             "c",
	"anthill.v1.CoordinatorService/Deliver":          "c",
	"anthill.v1.CoordinatorService/Move":             "c",
	"anthill.v1.CoordinatorService/Vouch":            "c",
	"anthill.v1.SessionService/Attend":               "wuo",
	"anthill.v1.SessionService/Signal":               "wuo",
	"anthill.v1.SessionService/LookBack":             "wuo",
	"anthill.v1.EnrolmentService/CreateToken":        "co",
	"anthill.v1.AdminService/ListTokens":             "o",
	"anthill.v1.AdminService/RevokeToken":            "o",
	"anthill.v1.AdminService/ListMembers":            "o",
	"anthill.v1.AdminService/EndNode":                "o",
	"anthill.v1.AdminService/ListOwners":             "o",
	"anthill.v1.AdminService/BanOwner":               "o",
	"anthill.v1.AdminService/ListActs":               "o",
	"anthill.v1.AdminService/ListDenied":             "o",
	"anthill.v1.AdminService/ChangeDenied":           "o",
	"anthill.v1.WorkService/GetDenyList":             "w",
	"anthill.v1.JobService/StreamLogs":               "uo",
	"anthill.v1.NodeService/ListTrust":               "cuo",
	"anthill.v1.OperationService/ListCoordinators":   "o",
	"anthill.v1.OperationService/TransferLeadership": "o",
	"anthill.v1.OperationService/Backup":             "o",
	"anthill.v1.CoordinatorService/ReadLogs":         "c",
	"anthill.v1.EnrolmentService/GetTrust":           "cwuo",
	"anthill.v1.CoordinatorService/GetAuthorityKey":  "c",
	"anthill.v1.AdminService/GetAuthorities":         "o",
	"anthill.v1.AdminService/RotateAuthority":        "o",
	"anthill.v1.EnrolmentService/Enrol":              "scwuo",
	"anthill.v1.EnrolmentService/Renew":              "scwuo",
	"grpc.health.v1.Health/*":                        "cwuo",
	"grpc.reflection.v1.ServerReflection/*":          "cwuo",
	"grpc.reflection.v1alpha.ServerReflection/*":     "cwuo",
	"anthill.v1.JobService2/GetJob":                  "",
	"anthill.v1/JobService":                          "",
}

var roles = map[rune]jobs.Role{'s': jobs.Stranger, 'c': jobs.Coordinator, 'w': jobs.Worker, 'u': jobs.Submitter, 'o': jobs.Operator, '?': 99}

func registered(t *testing.T) []string {
	authority, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	id := (&grid{TB: t, authority: authority}).issue(jobs.Coordinator)
	s := New(Config{Pieces: swarm.NewServer(swarm.ServerConfig{}), Logger: slog.Default()}, id, identity.Handover{})
	var methods []string
	for service, info := range s.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			methods = append(methods, service+"/"+m.Name)
		}
	}
	return methods
}

func TestEveryMethodHasItsCallers(t *testing.T) {
	checked := map[string]bool{}
	for _, method := range append(registered(t), "anthill.v1.JobService2/GetJob", "anthill.v1/JobService") {
		service, _, _ := strings.Cut(method, "/")
		key := method
		if _, ok := who[key]; !ok {
			key = service + "/*"
		}
		want, ok := who[key]
		if !ok {
			t.Errorf("%s is served, and this test does not say to whom", method)
		}
		checked[key] = true
		for letter, role := range roles {
			err := mayCall(role, "/"+method)
			if allowed := err == nil; allowed != strings.ContainsRune(want, letter) {
				t.Errorf("%v calls %s: %v, want callers %q", role, method, err, want)
			}
			code := status.Code(err)
			if err != nil && code != codes.PermissionDenied && !(role == jobs.Stranger && code == codes.Unauthenticated) {
				t.Errorf("%v calls %s: code %v", role, method, code)
			}
		}
	}
	for key := range who {
		if !checked[key] {
			t.Errorf("%s is not served", key)
		}
	}
}

func TestForwardedMethodsAreServed(t *testing.T) {
	served := registered(t)
	for method := range leaderOnly {
		if !slices.Contains(served, method[1:]) {
			t.Errorf("%s is for the leader only and does not exist", method)
		}
		if _, err := newResponse(method); err != nil {
			t.Error(err)
		}
	}
	if _, err := newResponse("/anthill.v1.JobService/Nothing"); err == nil {
		t.Error("a method that does not exist has a response")
	}
}
