package rpc

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

// catchUp is how long a call of a node that this replica does not know may wait until
// the replica has heard what the leader has: the node may have joined a moment ago. Nothing
// else is read of the connection meanwhile, and callers hold a coordinator that is silent
// for a second to hang.
const catchUp = 700 * time.Millisecond

// standing is the role that a caller has now. A certificate only says what it was given
// for: what counts is the state at each call, so that whoever was let go, or has been
// banned, may do nothing more.
func (s *Server) standing(ctx context.Context, p identity.Peer) (jobs.Role, error) {
	if p.Role == jobs.Stranger {
		return jobs.Stranger, nil
	}
	role, known, err := s.look(p)
	if !known {
		ctx, cancel := context.WithTimeout(ctx, catchUp)
		defer cancel()
		if s.fresh(ctx) != nil {
			return jobs.Stranger, statusOf(desk.ErrNoLeader) // another coordinator may know it
		}
		if role, known, err = s.look(p); !known {
			return jobs.Stranger, nodeUnknown(p.Node)
		}
	}
	return role, err
}

// look asks the state as it is here. A replica that has heard of nothing yet believes
// coordinators: without them it never hears of anything.
func (s *Server) look(p identity.Peer) (role jobs.Role, known bool, err error) {
	unseen := false
	s.cfg.Replica.View(func(st *jobs.State) {
		n := st.Nodes[p.Node]
		if n == nil {
			role, known = p.Role, st.Grid == "" && p.Role == jobs.Coordinator
			return
		}
		role, known = n.Role, true
		unseen = st.Unseen(p.Node)
		if why := st.ShutOut(p.Node); why != "" {
			err = shutOut(p.Node, why, n.Ended == nil)
		}
	})
	if unseen && err == nil {
		s.seen.note(p.Node)
	}
	return role, known, err
}
