package rpc

import (
	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// maxTermOwners bounds the owners that a donor may name.
const maxTermOwners = 256

// lend notes on what terms a worker is lent.
func (s *Server) lend(worker jobs.NodeID, m *anthillv1.Terms) error {
	terms, err := termsOf(m)
	if err == nil {
		s.cfg.Desk.Lend(worker, terms)
	}
	return err
}

func termsOf(m *anthillv1.Terms) (placement.Terms, error) {
	only, err := ownersOf("terms.only_owners", m.GetOnlyOwners())
	if err != nil {
		return placement.Terms{}, err
	}
	not, err := ownersOf("terms.not_owners", m.GetNotOwners())
	if err != nil {
		return placement.Terms{}, err
	}
	return placement.Terms{Memory: max(0, m.GetMemory()), Only: only, Not: not}, nil
}

func ownersOf(field string, names []string) (list []jobs.OwnerID, err error) {
	if n := len(names); n > maxTermOwners {
		return nil, jobs.InvalidField(field, "%d owners are too many, at most %d", n, maxTermOwners)
	}
	for _, name := range names {
		if name == "" || len(name) > jobs.MaxOwnerName {
			return nil, jobs.InvalidField(field, "%.70q is not the name of an owner", name)
		}
		list = append(list, jobs.OwnerID(name))
	}
	return list, nil
}

// decline notes which jobs a worker wants nothing more of.
func (s *Server) decline(worker jobs.NodeID, reports []*anthillv1.AttemptReport) {
	var leases []jobs.LeaseID
	for _, r := range reports {
		if r.GetDeclined() && r.GetStatus() == anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED {
			leases = append(leases, jobs.LeaseID(r.GetLease()))
		}
	}
	if len(leases) > 0 {
		s.cfg.Desk.Decline(worker, leases)
	}
}
