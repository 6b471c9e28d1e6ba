package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// maxNamed bounds the peers that are named for a blob.
const maxNamed = 32

// Announce implements TrackerService.
func (s *Server) Announce(ctx context.Context, req *anthillv1.AnnounceRequest) (*anthillv1.AnnounceResponse, error) {
	if err := checkAddress("address", req.GetAddress()); err != nil {
		return nil, err
	}
	if n := len(req.GetBlobs()); n > desk.MaxAnnounced {
		return nil, jobs.InvalidField("blobs", "%d are too many for one call, at most %d", n, desk.MaxAnnounced)
	}
	var list []desk.Announcement
	for _, a := range req.GetBlobs() {
		id, err := wire.IDFromProto("blobs", a.GetBlob())
		if err != nil {
			return nil, err
		}
		list = append(list, desk.Announcement{Blob: id, Complete: a.GetComplete(), Leaving: a.GetLeaving(), Public: a.GetPublic(), Peers: int(min(a.GetPeers(), maxNamed))})
	}
	c := callerFrom(ctx)
	readable := make([]bool, len(list))
	s.cfg.Replica.View(func(st *jobs.State) {
		for i := range list {
			readable[i] = st.MayRead(c.Node, list[i].Blob)
			list[i].Public = list[i].Public || !readable[i]
		}
	})
	peers, err := s.cfg.Desk.Introduce(c.Node, swarm.Provider{Address: s.reach(c, req.GetAddress()), Role: c.Role, Node: c.Node}, list)
	if err != nil {
		return nil, err
	}
	resp := &anthillv1.AnnounceResponse{Again: durationpb.New(desk.AnnounceAgain())}
	for i, named := range peers {
		swarm := &anthillv1.SwarmPeers{Peers: providersToProto(named)}
		if c.Role != jobs.Coordinator && readable[i] {
			swarm.Grant = s.grant(c.Node, list[i].Blob)
		}
		resp.Swarms = append(resp.Swarms, swarm)
	}
	return resp, nil
}

// ReportPeers implements TrackerService.
func (s *Server) ReportPeers(ctx context.Context, req *anthillv1.ReportPeersRequest) (*anthillv1.ReportPeersResponse, error) {
	c := jobs.AccusePeers{By: callerFrom(ctx).Node}
	for _, id := range req.GetNodes() {
		c.Nodes = append(c.Nodes, jobs.NodeID(id))
	}
	if err := s.accuse(ctx, c); err != nil {
		return nil, err
	}
	if req.GetProof() != nil {
		if err := s.convict(ctx, c.By, req.GetProof()); err != nil {
			return nil, err
		}
	}
	by := s.ownerOf(c.By)
	for i, id := range c.Nodes[:min(len(c.Nodes), len(req.GetBlobs()))] {
		if b, err := blob.IDFrom(req.GetBlobs()[i]); err == nil && s.ownerOf(id) != by {
			s.cfg.Desk.Probe(by, id, b)
		}
	}
	return &anthillv1.ReportPeersResponse{}, nil
}

// convict replicates a proof, if it gets anybody banned. Who brings one that comes too late
// has done nothing wrong.
func (s *Server) convict(ctx context.Context, by jobs.NodeID, proof *anthillv1.PieceProof) error {
	p, err := wire.ProofFromProto("proof", proof)
	if err != nil {
		return err
	}
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) { _, r = st.Convicts(p) })
	switch {
	case r == nil:
		_, err = s.propose(ctx, "", jobs.Command{Accuse: &jobs.AccusePeers{By: by, Proof: p}})
		return err
	case r.Code == jobs.Precondition:
		return nil
	}
	return r
}

// ownerOf is the owner of a node, "" if it is not of this grid.
func (s *Server) ownerOf(id jobs.NodeID) (owner jobs.OwnerID) {
	s.cfg.Replica.View(func(st *jobs.State) {
		if n := st.Nodes[id]; n != nil {
			owner = n.Owner
		}
	})
	return owner
}

// accuse replicates a report if it says anything new: others could fill the log. Said
// twice it is still one report, so it needs no request id.
func (s *Server) accuse(ctx context.Context, c jobs.AccusePeers) error {
	var heard []jobs.NodeID
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) { heard, r = st.Heard(&c) })
	if r != nil {
		return r
	}
	if len(heard) == 0 {
		return nil
	}
	_, err := s.propose(ctx, "", jobs.Command{Accuse: &c})
	return err
}
