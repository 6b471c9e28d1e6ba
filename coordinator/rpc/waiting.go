package rpc

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// waitOf says why nothing moves of a job, as far as this coordinator knows: the leader has
// heard of the workers, and its disk is the one that tasks wait for.
func (s *Server) waitOf(ctx context.Context, id jobs.JobID, outdated bool) (w waits.Wait) {
	live, now := slices.Collect(maps.Keys(s.cfg.Workers(ctx))), s.cfg.Replica.Now()
	s.cfg.Replica.View(func(st *jobs.State) {
		j := st.Jobs[id]
		if j == nil {
			return
		}
		if w = s.cfg.Results.Lacks(st, id); w.Reason != waits.None {
			return
		}
		w = placement.Waiting(placement.Standing{
			State: st, Job: j, Live: live, Paused: s.paused, Outdated: outdated, Now: now,
			Terms: s.cfg.Desk.Terms, Declines: func(worker jobs.NodeID) bool { return s.cfg.Desk.Declines(worker, id) },
		})
		if w.Reason == waits.Results {
			w = s.waitForResults(st, id, j, w)
		}
	})
	return w
}

func (s *Server) paused(id jobs.NodeID) bool {
	_, paused := s.cfg.Desk.Slots(id)
	return paused
}

// waitForResults says from whom results still come or, where a coordinator has all of them,
// who is to have the further copies.
func (s *Server) waitForResults(st *jobs.State, id jobs.JobID, j *jobs.Job, w waits.Wait) waits.Wait {
	if c := s.cfg.Results.Copying(id); c.Results > 0 {
		w.Count, w.Bytes, w.Rate = c.Results, c.Bytes, c.Rate
		for _, node := range c.From {
			w.Whom = append(w.Whom, waits.NodeName(st.Nodes[node].Owner, node))
		}
		return w
	}
	for place := range j.Unheld {
		w.Detail = s.attendance(st).lacking(j.Closed[place].Holders)
		break
	}
	return w
}

// lacking names who is to have copies, if none of them can take any.
func (a attendance) lacking(holders uint64) string {
	if a.there&^holders != 0 {
		return ""
	}
	var list []string
	for _, x := range a.absent {
		if x.bit&holders == 0 {
			list = append(list, x.text())
		}
	}
	return waits.List(list)
}

// text is an absence in words.
func (x absence) text() string {
	how := x.how
	if !x.full {
		how += " at " + x.since.UTC().Format(time.TimeOnly) + " UTC"
	}
	return x.name + ", which " + how
}
