package rpc

import (
	"encoding/hex"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestTheDenyList is changed by operators alone. Workers hear that it has changed, and get
// the keys, in pages; they do not get whose words and which blobs those are.
func TestTheDenyList(t *testing.T) {
	t.Parallel()
	g := start(t)
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	worker, submitter := g.admit(jobs.Worker, "w"), g.admit(jobs.Submitter, "sub")
	work := anthillv1.NewWorkServiceClient(g.dial(worker, g.leader))
	admin := anthillv1.NewAdminServiceClient(g.dial(g.admit(jobs.Operator, "ops"), g.leader))
	key := jobs.DenyKeyOf(blob.ID{1})
	change := &anthillv1.ChangeDeniedRequest{Keys: []string{string(key)}, Reason: "so"}
	if _, err := anthillv1.NewAdminServiceClient(g.dial(submitter, g.leader)).ChangeDenied(ctx(t), change); err == nil {
		t.Error("a submitter changes the list")
	}
	if _, err := admin.ChangeDenied(ctx(t), change); err != nil {
		t.Fatal(err)
	}
	list, err := admin.ListDenied(ctx(t), &anthillv1.ListDeniedRequest{})
	if err != nil || len(list.GetDenied()) != 1 || list.GetDenied()[0].GetKey() != string(key) || list.GetDenied()[0].GetReason() != "so" {
		t.Errorf("listed %v, %v", list, err)
	}
	beat, err := work.Heartbeat(ctx(t), &anthillv1.HeartbeatRequest{})
	if err != nil || beat.GetDenyRevision() != 1 {
		t.Errorf("heartbeats tell of revision %d, %v", beat.GetDenyRevision(), err)
	}
	got, err := work.GetDenyList(ctx(t), &anthillv1.GetDenyListRequest{})
	if err != nil || hex.EncodeToString(got.GetKeys()) != string(key) || got.GetRevision() != 1 || got.GetMore() {
		t.Errorf("a worker gets %v, %v", got, err)
	}
}

func TestPagesOfTheDenyList(t *testing.T) {
	s := jobs.NewState()
	for _, key := range []jobs.DenyKey{"a", "b", "c", "d", "e"} {
		s.Denied[key] = &jobs.Denial{}
	}
	var got string
	after, more := jobs.DenyKey(""), true
	for pages := 0; more; pages++ {
		var keys []jobs.DenyKey
		if keys, more = deniedPage(s, after, 2); len(keys) == 0 || pages > 3 {
			t.Fatalf("page %d is %v", pages, keys)
		}
		for _, key := range keys {
			got += string(key)
		}
		after = keys[len(keys)-1]
		delete(s.Denied, after) // what goes meanwhile is no harm
	}
	if got != "abcde" {
		t.Errorf("the pages have %s", got)
	}
}
