package keeper

import (
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/waits"
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
	tried bool      // it is known what came of a try
	stuck time.Time // since when nobody sends anything; zero: somebody does
	had   int64     // bytes that were here at the last try
}

// noteTrouble notes what came of a try to bring a charge here.
func (k *Keeper) noteTrouble(h *holding, err error) {
	now := trouble{tried: true, err: err}
	if err != nil && away(err) {
		now = trouble{tried: true, stuck: time.Now(), had: k.arrived(h)}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if before := h.trouble; !before.stuck.IsZero() && !now.stuck.IsZero() && now.had <= before.had {
		now.stuck = before.stuck
	}
	h.trouble = now
}

// Lacks says why a job cannot go on for lack of what its tasks read, as far as this
// coordinator knows. s is the state as it is now.
func (k *Keeper) Lacks(s *jobs.State, id jobs.JobID) waits.Wait {
	j := s.Jobs[id]
	if j == nil || j.State != jobs.JobRunning || j.Running() > 0 || k.Ready(s, id) > j.Next {
		return waits.Wait{}
	}
	if holders := s.InputHolders(j); len(holders) > 0 {
		return waits.Wait{Reason: waits.InputLost, Whom: names(s, holders), Until: untilOf(j)}
	}
	h, t := k.troubleWith(charge{job: id})
	switch {
	case len(j.Unproven) > 0: // what is here is for others to know
		return waits.Wait{Reason: waits.InputAway, Detail: "all of it is with nobody", Since: later(t.stuck, j.Submitted.Std()), Until: untilOf(j)}
	case h == nil:
		return waits.Wait{} // it is so new that nobody has looked yet
	case t.err != nil:
		return waits.Wait{Reason: waits.InputTrouble, Whom: names(s, []jobs.NodeID{k.cfg.Node}), Detail: t.err.Error()}
	case t.stuck.IsZero() || k.arrived(h) > t.had:
		return waits.Wait{Reason: waits.InputComes, Detail: k.share(h) + " is here"}
	}
	return waits.Wait{Reason: waits.InputAway, Detail: k.missing(h), Since: t.stuck, Until: untilOf(j)}
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

// names are nodes by their owners and short ids.
func names(s *jobs.State, nodes []jobs.NodeID) (list []string) {
	for _, id := range nodes {
		list = append(list, waits.NodeName(s.Nodes[id].Owner, id))
	}
	return list
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

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
