package wire

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// The domain's enums are the wire's, number by number: conversions rely on it.
func TestEnumsAgreeWithTheWire(t *testing.T) {
	for n, name := range anthillv1.Role_name {
		if n != 0 && "ROLE_"+strings.ToUpper(RoleFromProto(anthillv1.Role(n)).String()) != name {
			t.Errorf("role %d is %v and %s", n, RoleFromProto(anthillv1.Role(n)), name)
		}
	}
	for n, name := range anthillv1.JobState_name {
		if n != 0 && "JOB_STATE_"+strings.ToUpper(jobs.JobState(n).String()) != name {
			t.Errorf("job state %d is %v and %s", n, jobs.JobState(n), name)
		}
	}
	if jobs.Succeeded != 1 || jobs.Crashed != 2 || jobs.Killed != 3 || jobs.Lost != 4 || jobs.Starved != 5 || jobs.Stopped != 6 || len(anthillv1.AttemptStatus_name) != 7 {
		t.Error("attempt statuses differ")
	}
	kinds := map[jobs.EventKind]anthillv1.EventKind{
		jobs.EventDisputed: anthillv1.EventKind_EVENT_KIND_DISPUTED, jobs.EventBanned: anthillv1.EventKind_EVENT_KIND_BANNED,
		jobs.EventFinished: anthillv1.EventKind_EVENT_KIND_FINISHED, jobs.EventReopened: anthillv1.EventKind_EVENT_KIND_REOPENED,
		jobs.EventChanged: anthillv1.EventKind_EVENT_KIND_CHANGED, jobs.EventDoubted: anthillv1.EventKind_EVENT_KIND_DOUBTED,
		jobs.EventFailed: anthillv1.EventKind_EVENT_KIND_FAILED,
	}
	for kind, wire := range kinds {
		if anthillv1.EventKind(kind) != wire {
			t.Errorf("event kind %d is %v", kind, wire)
		}
	}
	if len(kinds) != len(anthillv1.EventKind_name)-1 {
		t.Error("this test does not know all kinds of events")
	}
}

func TestRolesSurviveTheWire(t *testing.T) {
	for role := jobs.Stranger; role <= jobs.Operator; role++ {
		if got := RoleFromProto(RoleToProto(role)); got != role {
			t.Errorf("%v became %v", role, got)
		}
	}
}

// The domain's enums have a byte: 257 must not pass for 1.
func TestUnknownNumbersAreNoneOfTheDomains(t *testing.T) {
	for _, n := range []int32{-1, 7, 256, 257, 258} {
		if role := RoleFromProto(anthillv1.Role(n)); role != jobs.Stranger {
			t.Errorf("role %d became %v", n, role)
		}
		if s, err := StatusFromProto("status", anthillv1.AttemptStatus(n)); err == nil {
			t.Errorf("status %d became %v", n, s)
		}
	}
}

func TestStatusesSurviveTheWire(t *testing.T) {
	for status := jobs.Succeeded; status <= jobs.Stopped; status++ {
		if got, err := StatusFromProto("status", StatusToProto(status)); err != nil || got != status {
			t.Errorf("%v became %v, %v", status, got, err)
		}
	}
}
