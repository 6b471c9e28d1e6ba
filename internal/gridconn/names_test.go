package gridconn

import (
	"strings"
	"testing"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestNamesThatCannotBeSeenAreRefused names the field, wherever in a request it is.
func TestNamesThatCannotBeSeenAreRefused(t *testing.T) {
	for bad, why := range map[string]string{
		"ali\x1b[2Jce": "U+001B", "ali\u009bce": "U+009B", "ali\u202ece": "U+202E", "ali\u200bce": "U+200B",
		"ali\nce": "U+000A", "ali\xffce": "not UTF-8", "\u2066ali": "U+2066",
	} {
		for field, req := range map[string]any{
			"owner":          &anthillv1.CreateTokenRequest{Owner: bad},
			"name":           &anthillv1.KeepBlobRequest{Name: bad},
			"job_id":         &anthillv1.GetJobRequest{JobId: bad},
			"spec.name":      &anthillv1.SubmitJobRequest{Spec: &anthillv1.JobSpec{Name: bad}},
			"spec.data.name": &anthillv1.SubmitJobRequest{Spec: &anthillv1.JobSpec{Data: []*anthillv1.DataFile{{Name: bad}}}},
		} {
			err := CheckNames(req)
			if err == nil || !strings.Contains(err.Error(), field+": ") || !strings.Contains(err.Error(), why) {
				t.Errorf("%s %q: %v, want it refused for %s", field, bad, err, why)
			}
		}
	}
	for _, good := range []string{"", "alice", "Ålice 世界", "a-b_c.d e"} {
		if err := CheckNames(&anthillv1.CreateTokenRequest{Owner: good}); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	if fields := namesIn((&anthillv1.HeartbeatRequest{}).ProtoReflect().Descriptor()); len(fields) > 0 {
		t.Errorf("heartbeats are searched for %v", fields)
	}
}
