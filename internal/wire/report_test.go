package wire

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestReportFromProto(t *testing.T) {
	ok := anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED
	id := blob.Of([]byte("x")).ID()
	for _, m := range []*anthillv1.AttemptReport{
		{},
		{Status: 7},
		{Status: ok},
		{Status: ok, Output: &anthillv1.BlobRef{Id: id[:], Size: -1}},
		{Status: ok, Output: &anthillv1.BlobRef{Id: id[:9]}},
	} {
		if r, err := ReportFromProto(m, "w"); err == nil {
			t.Errorf("%v became %+v", m, r)
		}
	}
	r, err := ReportFromProto(&anthillv1.AttemptReport{
		Lease: 7, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_FAILED, ExitCode: 3, Reason: strings.Repeat("é", jobs.MaxFailure), Fuel: 1 << 63,
		Fetched: &anthillv1.Traffic{FromSubmitter: -5, FromWorkers: 9},
	}, "w")
	if err != nil || r.Lease != 7 || r.Worker != "w" || r.Status != jobs.Crashed || r.ExitCode != 3 || r.Fuel != 1<<63 {
		t.Errorf("got %+v, %v", r, err)
	}
	if len(r.Reason) > jobs.MaxFailure || !utf8.ValidString(r.Reason) || len(r.Reason) < jobs.MaxFailure-4 {
		t.Errorf("the reason has %d bytes", len(r.Reason))
	}
	lost, err := ReportFromProto(&anthillv1.AttemptReport{Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST, Reason: "\xff" + strings.Repeat("é", jobs.MaxFailure)}, "w")
	if err != nil || len(lost.Reason) > jobs.MaxReason || !utf8.ValidString(lost.Reason) {
		t.Errorf("without a log of a guest it has %d bytes, %v", len(lost.Reason), err)
	}
	if r.Fetched != (jobs.Traffic{FromWorkers: 9}) {
		t.Errorf("fetched %+v, want nothing negative", r.Fetched)
	}
	loud, err := ReportFromProto(&anthillv1.AttemptReport{Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST, Reason: "a\x1b]52;c;eA==\a\u202eb\u009b\n\tc"}, "w")
	if err != nil || loud.Reason != "a\ufffd]52;c;eA==\ufffd\ufffdb\ufffd\n\tc" {
		t.Errorf("what a terminal obeys came as %q, %v", loud.Reason, err)
	}
}
