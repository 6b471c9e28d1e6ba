package keeper

import (
	"fmt"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
)

// arrived is how many bytes of a charge are here.
func (k *Keeper) arrived(h *holding) (n int64) {
	for _, r := range h.blobs {
		n += r.Size - k.lacking(r)
	}
	return n
}

// trouble is why a charge is not here yet.
type trouble struct {
	err   error     // of this coordinator's own; nil: there is none
	stuck time.Time // since when nobody sends anything; zero: somebody does
	had   int64     // bytes that were here at the last try
}

// noteTrouble notes what came of a try to bring a charge here.
func (k *Keeper) noteTrouble(h *holding, err error) {
	now := trouble{err: err}
	if err != nil && away(err) {
		now = trouble{stuck: time.Now(), had: k.arrived(h)}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if before := h.trouble; !before.stuck.IsZero() && !now.stuck.IsZero() && now.had <= before.had {
		now.stuck = before.stuck
	}
	h.trouble = now
}

// Lacks says for people why a job cannot go on for lack of what its tasks read, as far
// as this coordinator knows, or "". s is the state as it is now.
func (k *Keeper) Lacks(s *jobs.State, id jobs.JobID) string {
	j := s.Jobs[id]
	if j == nil || j.State != jobs.JobRunning || j.Running() > 0 || k.Ready(s, id) > j.Next {
		return ""
	}
	if holders := s.InputHolders(j); len(holders) > 0 {
		return "the only copies of its input are away, with coordinator " + names(holders) + ": start it again, or cancel the job"
	}
	h, t := k.troubleWith(charge{job: id})
	switch {
	case h == nil:
		return "" // it is so new that nobody has looked yet
	case t.err != nil:
		return fmt.Sprintf("coordinator %s cannot copy what it reads: %v", k.cfg.Node.Short(), t.err)
	case t.stuck.IsZero() || k.arrived(h) > t.had:
		return "the input is still coming from the submitter; " + k.share(h) + " is here"
	}
	return fmt.Sprintf("the input is still with the submitter, who is away since %s UTC; %s is here: it goes on when the submitter is back, or cancel the job and submit it again",
		t.stuck.UTC().Format(time.TimeOnly), k.share(h))
}

func (k *Keeper) troubleWith(c charge) (*holding, trouble) {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.taken[c]
	if h == nil {
		return nil, trouble{}
	}
	return h, h.trouble
}

// share says for people how much of a charge is here.
func (k *Keeper) share(h *holding) string {
	var size int64
	for _, r := range h.blobs {
		size += r.Size
	}
	if n := k.arrived(h); n > 0 {
		return fmt.Sprintf("%d %% of it", 100*n/size)
	}
	return "nothing of it"
}

func names(nodes []jobs.NodeID) string {
	var list []string
	for _, id := range nodes {
		list = append(list, id.Short())
	}
	return strings.Join(list, " and ")
}

// rollFor is how long what gossip says of who is away is believed.
const rollFor = time.Second

// roll are the nodes that have left or failed, as gossip says. The keeper's mutex guards
// it.
type roll struct {
	called time.Time
	absent map[jobs.NodeID]bool
}

// lives says whether a coordinator is there. One that gossip has not heard of may be.
func (k *Keeper) lives(id jobs.NodeID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.roll.called) >= rollFor {
		k.roll = roll{called: time.Now(), absent: map[jobs.NodeID]bool{}}
		for _, m := range k.cfg.Members() {
			if m.Status != membership.Alive {
				k.roll.absent[m.Node] = true
			}
		}
	}
	return !k.roll.absent[id]
}
