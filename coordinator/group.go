package coordinator

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/coordinator/electorate"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// group is the raft group as rpc sees it.
type group struct{ *Coordinator }

// Coordinators implements rpc.Group.
func (g group) Coordinators() *anthillv1.ListCoordinatorsResponse {
	servers := g.servers()
	resp := &anthillv1.ListCoordinatorsResponse{Losses: uint32(electorate.Losses(servers))}
	for _, s := range servers {
		m := &anthillv1.CoordinatorStatus{
			NodeId: string(s.Node), Address: s.Address, Leader: s.Leads && g.desk.Leading(), Voter: s.Votes, Alive: s.Silent == 0,
		}
		if s.Leads {
			g.describeSelf(m)
		} else if h, known := g.book.of(s.Node); known && !h.at.IsZero() {
			m.LastContact, m.ClockAhead = durationpb.New(time.Since(h.at)), durationpb.New(h.off)
			m.LastVersion, m.Release, m.Behind = uint32(h.last), h.release, h.behind
			m.DiskFree, m.DiskSize = h.disk.free, h.disk.size
		}
		resp.Coordinators = append(resp.Coordinators, m)
	}
	return resp
}

func (g group) describeSelf(m *anthillv1.CoordinatorStatus) {
	var d anthillv1.DescribeResponse
	g.Describe(&d)
	m.LastContact, m.LastVersion, m.Release = durationpb.New(0), uint32(jobs.LastVersion), d.GetRelease()
	m.DiskFree, m.DiskSize, m.ClockAhead = d.GetDiskFree(), d.GetDiskSize(), d.GetClockAhead()
}

// Describe implements rpc.Group.
func (g group) Describe(d *anthillv1.DescribeResponse) {
	d.NodeId = string(g.base.Identity.Node())
	d.AppliedIndex, d.Release, d.ClockAhead = g.replica.Applied(), g.cfg.Release, durationpb.New(g.replica.ClockAhead())
	for _, c := range g.replica.Compared() {
		d.Compared = append(d.Compared, comparedToProto(c))
	}
	if free, size, err := g.base.Store.Disk(); err == nil {
		d.DiskFree, d.DiskSize = uint64(free), uint64(size)
	}
}

// TransferLeadership implements rpc.Group.
func (g group) TransferLeadership(to jobs.NodeID) error {
	if to == "" {
		return g.replica.TransferLeadership()
	}
	return g.replica.TransferTo(to)
}
