package jobs

import (
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

// TestShares puts blobs one after the other into a room of 1,000 bytes, of which an
// owner has 250.
func TestShares(t *testing.T) {
	s := keepers()
	for i, step := range []struct {
		by   NodeID
		id   byte
		size int64
		want string // the reason, and a part of the message
	}{
		{"sue", 1, 251, "SHARE_FULL: 0 bytes of datasets for it, and may keep 250 bytes"},
		{"sue", 1, 200, ""},
		{"sue", 1, 200, ""},                         // the same again
		{"sue2", 2, 51, "SHARE_FULL: 200 bytes of"}, // of the same owner
		{"sue2", 2, 50, ""},
		{"sue", 1, 201, "SHARE_FULL"}, // a claim that grows
		{"tom", 1, 200, ""},           // each claim counts for its owner
		{"tom", 3, 51, "SHARE_FULL"},
		{"op", 4, 751, "KEPT_FULL: keeps 250 bytes of datasets, and may keep 1000 bytes in all"},
		{"op", 4, 750, ""}, // operators have all the room, and blobs count once in it
		{"op", 1, 200, ""}, // what is kept takes no more
		{"tom", 5, 1, "KEPT_FULL"},
	} {
		c := &KeepBlob{Blob: blob.Ref{ID: blob.ID{step.id}, Size: step.size}, By: step.by, Room: 1000}
		got := ""
		if r := s.Apply(Command{Keep: c}).Rejection; r != nil {
			got = r.Reason + ": " + r.Message
			if r.Code != Exhausted || !strings.Contains(r.Next, "anthill blobs drop") {
				t.Errorf("step %d: %+v", i, r)
			}
		}
		reason, part, _ := strings.Cut(step.want, ": ")
		if !strings.HasPrefix(got, reason) || !strings.Contains(got, part) || step.want == "" && got != "" {
			t.Errorf("step %d: rejected by %q, want %q", i, got, step.want)
		}
	}
	s.Apply(Command{Drop: &DropBlob{Blob: blob.ID{4}, By: "op"}})
	if r := s.Apply(Command{Keep: &KeepBlob{Blob: blob.Ref{ID: blob.ID{5}, Size: 1}, By: "tom", Room: 1000}}).Rejection; r != nil {
		t.Errorf("after one was dropped: %v", r)
	}
}
