package jsonapi

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/wire"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// fake is a connection that answers what a test says.
type fake struct {
	grpc.ClientConnInterface
	method string
	req    proto.Message
	answer func(resp proto.Message) error
}

func (f *fake) Invoke(_ context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	f.method, f.req = method, args.(proto.Message)
	return f.answer(reply.(proto.Message))
}

func post(h http.Handler, path, kind, body string) (int, string) {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, strings.TrimSpace(w.Body.String())
}

func TestACallIsThatOfTheService(t *testing.T) {
	ref := blob.Of([]byte("x")).Ref()
	job := &anthillv1.Job{Id: "j-1", Reason: "\u202eevil", Spec: &anthillv1.JobSpec{Bundle: wire.RefToProto(ref)}}
	f := &fake{answer: func(resp proto.Message) error {
		proto.Merge(resp, &anthillv1.GetJobResponse{Job: job})
		return nil
	}}
	code, body := post(&Handler{Conn: f}, "/anthill.v1.JobService/GetJob", "application/json; charset=utf-8", `{"job_id": "j-1"}`)
	if code != http.StatusOK || f.method != anthillv1.JobService_GetJob_FullMethodName || f.req.(*anthillv1.GetJobRequest).GetJobId() != "j-1" {
		t.Fatalf("%d %s: %s %v", code, body, f.method, f.req)
	}
	want, err := Marshal(&anthillv1.GetJobResponse{Job: job})
	if err != nil || body != string(want) {
		t.Errorf("got %s, want %s", body, want)
	}
	if !strings.Contains(body, `"id":"`+ref.ID.String()+`"`) || strings.Contains(body, "\u202e") {
		t.Errorf("%s: want the blob's id in hex, and nothing unseen", body)
	}
}

func TestIDsMayComeInHex(t *testing.T) {
	id := blob.Of([]byte("x")).ID()
	f := &fake{answer: func(proto.Message) error { return nil }}
	if code, body := post(&Handler{Conn: f}, "/anthill.v1.BlobService/GetBlob", "application/json", `{"id": "`+id.String()+`"}`); code != http.StatusOK {
		t.Fatalf("%d %s", code, body)
	}
	if got := f.req.(*anthillv1.GetBlobRequest).GetId(); string(got) != string(id[:]) {
		t.Errorf("got %x, want %v", got, id)
	}
}

func TestErrorsAreStatuses(t *testing.T) {
	f := &fake{answer: func(proto.Message) error {
		return problem.ToStatus(codes.NotFound, "job j: no such job", "UNKNOWN_JOB", "job j", "list them")
	}}
	h := &Handler{Conn: f}
	for _, test := range []struct {
		path, kind, body string
		code             int
		say              string
	}{
		{"/anthill.v1.JobService/GetJob", "application/json", `{}`, 404, "list them"},
		{"/anthill.v1.JobService/GetJob", "text/plain", `{}`, 400, "application/json"},
		{"/anthill.v1.JobService/GetJob", "application/x-www-form-urlencoded", `job_id=x`, 400, "application/json"},
		{"/anthill.v1.JobService/GetJob", "application/json", `{"nonsense": 1}`, 400, "nonsense"},
		{"/anthill.v1.JobService/Nothing", "application/json", `{}`, 404, "no such call"},
		{"/anthill.v1.WorkService/Report", "application/json", `{}`, 404, "no such call"},
		{"/anthill.v1.EnrolmentService/Enrol", "application/json", `{}`, 404, "no such call"},
		{"/anthill.v1.JobService/SubmitJob", "application/json", strings.Repeat(" ", maxRequest+1), 429, "bytes"},
	} {
		code, body := post(h, test.path, test.kind, test.body)
		var status struct {
			Code    int
			Message string
			Details []map[string]any
		}
		if err := json.Unmarshal([]byte(body), &status); err != nil || code != test.code || status.Code == 0 || !strings.Contains(body, test.say) {
			t.Errorf("%s: %d %s, %v; want %d with %q", test.path, code, body, err, test.code, test.say)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/anthill.v1.JobService/ListJobs", nil)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusNotImplemented {
		t.Errorf("GET gives %d", w.Code)
	}
}

// streaming answers some messages and then an error.
type streaming struct {
	grpc.ClientStream
	left int
	end  error
}

func (s *streaming) SendMsg(any) error { return nil }
func (s *streaming) CloseSend() error  { return nil }
func (s *streaming) RecvMsg(m any) error {
	if s.left == 0 {
		return s.end
	}
	s.left--
	m.(*anthillv1.WatchJobResponse).Job = &anthillv1.Job{Id: "j"}
	return nil
}

type streamConn struct {
	grpc.ClientConnInterface
	stream *streaming
}

func (c streamConn) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return c.stream, nil
}

func TestStreamsAreLines(t *testing.T) {
	lost := problem.ToStatus(codes.Unavailable, "gone", "GONE", "", "")
	for _, test := range []struct {
		left  int
		end   error
		code  int
		lines int
		last  string
	}{
		{2, io.EOF, 200, 2, `{"result":{`}, {2, lost, 200, 3, `{"error":{"code":14`}, {0, lost, 503, 1, `{"code":14`}, {0, io.EOF, 200, 1, ""},
	} {
		code, body := post(&Handler{Conn: streamConn{stream: &streaming{left: test.left, end: test.end}}}, "/anthill.v1.JobService/WatchJob", "application/json", `{}`)
		lines := strings.Split(body, "\n")
		if code != test.code || len(lines) != test.lines || !strings.HasPrefix(lines[len(lines)-1], test.last) {
			t.Errorf("%+v gives %d %q", test, code, lines)
		}
	}
}

// TestEveryServiceIsForPeopleOrMachines: who adds one has to say which.
func TestEveryServiceIsForPeopleOrMachines(t *testing.T) {
	people := []string{"AccountService", "AdminService", "BlobService", "EnrolmentService", "JobService", "NodeService", "OperationService"}
	found := map[string]bool{}
	for _, m := range methods {
		found[string(m.Parent().Name())] = true
	}
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, people) {
		t.Errorf("the API has %v, want %v: name a new service here, or among machines", got, people)
	}
}

func TestTheDocumentSaysWhatThereIs(t *testing.T) {
	var doc struct {
		Paths      map[string]map[string]struct{ Description string }
		Components struct {
			Schemas map[string]struct{ Description string }
		}
	}
	if err := json.Unmarshal(Document(), &doc); err != nil {
		t.Fatal(err)
	}
	for path := range methods {
		if doc.Paths[path]["post"].Description == "" {
			t.Errorf("%s is not described", path)
		}
	}
	text := string(Document())
	for _, ref := range strings.Split(text, `"$ref": "#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(ref, `"`)
		if _, ok := doc.Components.Schemas[name]; !ok {
			t.Errorf("it refers to %s, which is not there", name)
		}
	}
	if !strings.Contains(doc.Components.Schemas["anthill.v1.Job"].Description, "Job") {
		t.Errorf("Job is described by %q", doc.Components.Schemas["anthill.v1.Job"].Description)
	}
}
