package keeper

import (
	"maps"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// keepAway bars what is on the grid's deny list from this coordinator's disk, whenever
// the list has changed: what is here of it goes, and none comes in or is served.
func (k *Keeper) keepAway() {
	var denied map[jobs.DenyKey]*jobs.Denial
	revision := k.denyRevision
	k.cfg.Replica.View(func(s *jobs.State) {
		if revision = s.DenyRevision; revision != k.denyRevision {
			denied = maps.Clone(s.Denied)
		}
	})
	if revision == k.denyRevision {
		return
	}
	k.denyRevision = revision
	var barred func(blob.ID) bool
	if len(denied) > 0 {
		barred = func(id blob.ID) bool { return denied[jobs.DenyKeyOf(id)] != nil }
	}
	gone, err := k.cfg.Store.Bar(barred)
	if err != nil {
		k.cfg.Logger.Error("failed to remove what is on the grid's deny list", "error", err)
	}
	k.cfg.Logger.Info("the grid's deny list has changed", "blobs", len(denied), "removed here", gone)
}
