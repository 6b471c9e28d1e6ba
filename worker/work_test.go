package worker

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestPace(t *testing.T) {
	var p pace
	if p.ahead(4) != 4 || p.rest() != 0 {
		t.Errorf("before the first attempt: %d ahead, rest %v", p.ahead(4), p.rest())
	}
	for _, c := range []struct {
		took time.Duration
		want int
	}{{10 * time.Second, 2}, {roundTrip / 3, 8}, {time.Microsecond, 2 * maxAhead}, {0, 2}} {
		p := pace{}
		p.took(c.took)
		if got := p.ahead(2); got != c.want {
			t.Errorf("attempts of %v: %d ahead for two slots, want %d", c.took, got, c.want)
		}
	}
	last := time.Duration(0)
	for range 10 {
		p.failed()
		if p.rest() < last {
			t.Errorf("rest %v after %v", p.rest(), last)
		}
		last = p.rest()
	}
	if last != maxBackoff {
		t.Errorf("rest %v after ten failures, want %v", last, maxBackoff)
	}
	p.took(time.Second)
	if p.rest() != 0 {
		t.Error("it rests although all is well again")
	}
}

func TestShelf(t *testing.T) {
	ref := func(s string) *anthillv1.BlobRef {
		id := blob.Of([]byte(s)).ID()
		return &anthillv1.BlobRef{Id: id[:]}
	}
	id := func(s string) blob.ID { return blob.Of([]byte(s)).ID() }
	var s shelf
	s.add(&anthillv1.JobSpec{
		Bundle: ref("bundle"), Data: []*anthillv1.DataFile{{Name: "d", Blob: ref("data")}},
		Input: &anthillv1.Input{Source: &anthillv1.Input_Blob{Blob: &anthillv1.BlobInput{Blob: ref("input"), Index: ref("index")}}},
	})
	for _, name := range []string{"bundle", "data", "input", "index"} {
		if !s.has(id(name)) {
			t.Errorf("the %s is not shared", name)
		}
	}
	if s.has(id("output")) || s.has(blob.ID{}) || len(s.list()) != 4 {
		t.Errorf("%d blobs are shared, more than the job's", len(s.list()))
	}
	for i := range byte(jobs.HeartbeatBlobs) {
		s.add(&anthillv1.JobSpec{Bundle: ref(string([]byte{i}))})
		s.add(&anthillv1.JobSpec{Bundle: ref("bundle")})
	}
	if len(s.list()) != jobs.HeartbeatBlobs || !s.has(id("bundle")) || s.has(id("data")) {
		t.Errorf("%d blobs are shared; the newest should stay and the oldest go", len(s.list()))
	}
}

func TestWhoMayRead(t *testing.T) {
	input, output := blob.Of([]byte("input")).ID(), blob.Of([]byte("output")).ID()
	w := &Worker{}
	w.shelf.add(&anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: input[:]}})
	for _, c := range []struct {
		role          jobs.Role
		input, output bool
	}{{jobs.Coordinator, true, true}, {jobs.Worker, true, false}, {jobs.Submitter, true, false}, {jobs.Operator, true, false}} {
		ctx := identity.NewContext(t.Context(), identity.Peer{Node: "n", Role: c.role})
		if in, out := w.mayRead(ctx, input), w.mayRead(ctx, output); in != c.input || out != c.output {
			t.Errorf("a %v reads inputs: %v, outputs: %v", c.role, in, out)
		}
	}
	if w.mayRead(t.Context(), input) {
		t.Error("nobody in particular may read")
	}
}

func TestRefused(t *testing.T) {
	for code, want := range map[codes.Code]bool{
		codes.PermissionDenied: true, codes.InvalidArgument: true, codes.Unauthenticated: true,
		codes.Unavailable: false, codes.DeadlineExceeded: false, codes.Internal: false, codes.Canceled: false,
	} {
		if got := refused(status.Error(code, "no")); got != want {
			t.Errorf("%v: refused %v, want %v", code, got, want)
		}
	}
	if refused(errors.New("no")) {
		t.Error("an error of this side's making is a refusal")
	}
}
