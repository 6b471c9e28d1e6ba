package wire

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// EventsToProto tells of events from a sequence number on.
func EventsToProto(events []jobs.Event, since uint64) []*anthillv1.Event {
	var list []*anthillv1.Event
	for _, e := range events {
		if e.Sequence >= since {
			list = append(list, &anthillv1.Event{
				Sequence: e.Sequence, At: TimeToProto(e.At), Kind: anthillv1.EventKind(e.Kind),
				Text: e.Text, Owner: string(e.Owner),
			})
		}
	}
	return list
}

// TimeToProto gives a time of the state, which is one of the proposers' clocks.
func TimeToProto(t jobs.Time) *timestamppb.Timestamp { return timestamppb.New(t.Std()) }
