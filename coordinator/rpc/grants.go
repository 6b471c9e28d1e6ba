package rpc

import (
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// grantLife is for how long a grant lets a node read a blob at its peers. It is long,
// since whoever may read something now may keep it; those who are shut out meanwhile are
// refused everywhere in any case.
const grantLife = 24 * time.Hour

// grant lets a node read a blob at its peers, which ask nobody.
func (s *Server) grant(node jobs.NodeID, id blob.ID) []byte {
	return s.authority().Grant(node, id, s.cfg.Replica.Now().Std().Add(grantLife))
}

// authority is the newest.
func (s *Server) authority() *identity.Authority {
	all := s.cfg.Authorities.All()
	return all[len(all)-1]
}

// grants let a worker read what a job of which it has a lease reads.
func (s *Server) grants(worker jobs.NodeID, spec jobs.Spec) (list []*anthillv1.BlobGrant) {
	for _, r := range spec.Read() {
		list = append(list, &anthillv1.BlobGrant{Blob: r.ID[:], Grant: s.grant(worker, r.ID)})
	}
	return list
}
