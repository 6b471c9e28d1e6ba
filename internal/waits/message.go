package waits

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// ToProto is nil where nothing is waited for.
func ToProto(w Wait) *anthillv1.Wait {
	if w.Reason == None {
		return nil
	}
	return &anthillv1.Wait{
		Reason: anthillv1.WaitReason(w.Reason), Since: timeToProto(w.Since), Until: timeToProto(w.Until),
		Whom: w.Whom, Count: uint32(max(0, w.Count)), Bytes: w.Bytes, Rate: w.Rate, Detail: w.Detail,
	}
}

func timeToProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// FromProto reads a wait. Of reasons that are newer than this binary only so much is known
// that nothing moves.
func FromProto(m *anthillv1.Wait) Wait {
	w := Wait{
		Since: timeFromProto(m.GetSince()), Until: timeFromProto(m.GetUntil()),
		Whom: m.GetWhom(), Count: int(m.GetCount()), Bytes: m.GetBytes(), Rate: m.GetRate(), Detail: m.GetDetail(),
	}
	switch r := m.GetReason(); {
	case r >= 0 && r < anthillv1.WaitReason(end):
		w.Reason = Reason(r)
	default:
		w.Reason = Stalled
	}
	return w
}

func timeFromProto(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}
