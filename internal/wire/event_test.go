package wire

import (
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestEventsToProto(t *testing.T) {
	at := time.Date(2026, 7, 1, 12, 0, 0, 5_000_000, time.UTC)
	got := EventsToProto([]jobs.Event{
		{Sequence: 3, Text: "told before"},
		{Sequence: 4, At: jobs.TimeOf(at), Kind: jobs.EventBanned, Owner: "eve", Text: "banned"},
	}, 4)
	if len(got) != 1 {
		t.Fatalf("%d events from number 4 on, want 1", len(got))
	}
	e := got[0]
	if e.GetSequence() != 4 || !e.GetAt().AsTime().Equal(at) || e.GetKind() != anthillv1.EventKind_EVENT_KIND_BANNED || e.GetOwner() != "eve" || e.GetText() != "banned" {
		t.Errorf("got %v", e)
	}
}
