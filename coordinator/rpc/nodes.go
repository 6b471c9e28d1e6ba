package rpc

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// ListNodes implements NodeService: coordinators and workers, in order of role
// and id.
func (s *Server) ListNodes(ctx context.Context, req *anthillv1.ListNodesRequest) (*anthillv1.ListNodesResponse, error) {
	p, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	members, voters := map[jobs.NodeID]membership.Member{}, map[jobs.NodeID]bool{}
	for _, m := range s.cfg.Members() {
		members[m.Node] = m
	}
	for id, address := range s.cfg.Workers(ctx) {
		members[id] = membership.Member{Node: id, Role: jobs.Worker, Address: address, Status: membership.Alive}
	}
	for _, v := range s.cfg.Replica.Voters() {
		voters[v.Node] = true
	}
	resp := &anthillv1.ListNodesResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		sees := sightOf(st, callerFrom(ctx))
		view := func(id jobs.NodeID) *anthillv1.Node {
			n := st.Nodes[id]
			node := s.nodeView(st, id, n, members[id])
			node.Whereabouts = s.whereabouts.of(id, time.Now())
			if !sees(n.Owner) {
				discreet(node)
			}
			node.Voter = voters[id]
			if ahead, known := s.cfg.ClockOf(id); known {
				node.ClockAhead = durationpb.New(ahead)
			}
			return node
		}
		var list []place
		for id, n := range st.Nodes {
			if n.Ended == nil && (n.Role == jobs.Coordinator || n.Role == jobs.Worker) && wantsNode(req, n) {
				list = append(list, place{ID: string(rune('0'+wire.RoleToProto(n.Role))) + string(id)})
			}
		}
		resp.Nodes, resp.NextPageToken = cut(p, list, func(at place) *anthillv1.Node { return view(jobs.NodeID(at.ID[1:])) })
	})
	return resp, nil
}

// wantsNode says whether a node is one of those that are asked for.
func wantsNode(req interface {
	GetOwner() string
	GetRole() anthillv1.Role
}, n *jobs.Node) bool {
	return (req.GetOwner() == "" || req.GetOwner() == string(n.Owner)) &&
		(req.GetRole() == anthillv1.Role_ROLE_UNSPECIFIED || req.GetRole() == wire.RoleToProto(n.Role))
}

func (s *Server) nodeView(st *jobs.State, id jobs.NodeID, n *jobs.Node, m membership.Member) *anthillv1.Node {
	slots, paused := s.cfg.Desk.Slots(id)
	node := &anthillv1.Node{
		Id: string(id), Role: wire.RoleToProto(n.Role), Owner: string(n.Owner), Address: n.Address,
		Liveness: s.livenessOf(id, n.Role, m), Leader: id == s.cfg.Node,
		Slots: uint32(slots), Paused: paused, Leases: uint32(len(st.LeasesOf(id))),
		AdmittedAt: wire.TimeToProto(n.Admitted),
	}
	if m.Address != "" {
		node.Address = m.Address
	}
	if o := st.Owners[n.Owner]; o != nil && n.Role == jobs.Worker {
		node.Record, node.Reliability = recordView(o, st.Credibility(n.Owner)), wire.ShareToProto(n.Reliability)
	}
	return node
}

// discreet leaves out what is for operators, and for the node's own owner. Where
// coordinators are everybody has to know.
func discreet(node *anthillv1.Node) {
	if node.GetRole() != anthillv1.Role_ROLE_COORDINATOR {
		node.Address, node.Whereabouts = "", nil
	}
	if r := node.GetRecord(); r != nil {
		r.BannedReason, r.Accusers, r.Evidence = "", nil, nil // they name jobs and owners
	}
}

func recordView(o *jobs.Owner, credibility jobs.Prob) *anthillv1.OwnerRecord {
	record := &anthillv1.OwnerRecord{
		Agreed: o.Agreed, Outvoted: o.Outvoted, Banned: o.Banned != "", BannedReason: o.Banned,
		Checks: o.Checks, Credibility: wire.ShareToProto(credibility), Doubts: o.Doubts, Credit: o.Credit, Fuel: o.Fuel.Uint64(),
	}
	if o.Proof != nil {
		record.Evidence = wire.ProofToProto(&blob.Misserved{Served: *o.Proof})
	}
	for _, a := range o.Accusers {
		record.Accusers = append(record.Accusers, string(a.Owner))
	}
	return record
}

// livenessOf takes a worker that is not heard of for failed, unless it said that it
// leaves. A coordinator may not be part of the gossip yet.
func (s *Server) livenessOf(id jobs.NodeID, role jobs.Role, m membership.Member) anthillv1.Liveness {
	switch {
	case m.Node != "" && m.Status == membership.Alive:
		return anthillv1.Liveness_LIVENESS_ALIVE
	case m.Node != "" && m.Status == membership.Left, role == jobs.Worker && s.cfg.Desk.Left(id):
		return anthillv1.Liveness_LIVENESS_LEFT
	case m.Node == "" && role == jobs.Coordinator:
		return anthillv1.Liveness_LIVENESS_UNSPECIFIED
	}
	return anthillv1.Liveness_LIVENESS_FAILED
}

// CreateToken implements EnrolmentService.
func (s *Server) CreateToken(ctx context.Context, req *anthillv1.CreateTokenRequest) (*anthillv1.CreateTokenResponse, error) {
	lifetime, uses := req.GetLifetime().AsDuration(), req.GetUses()
	if req.GetLifetime() == nil {
		lifetime = time.Hour
	}
	if uses == 0 {
		uses = 1
	}
	prior, err := wire.ShareFromProto("prior", req.GetPrior())
	if err != nil {
		return nil, err
	}
	request := req.GetRequestId()
	if request == "" {
		request = rand.Text()
	}
	token, err := s.newToken(callerFrom(ctx).Node, request, wire.RoleFromProto(req.GetRole()))
	if err != nil {
		return nil, err
	}
	c := jobs.CreateToken{
		Token: tokenID(token.Secret[:]), Role: token.Role, Uses: uses, Owner: jobs.OwnerID(req.GetOwner()),
		Expires: s.cfg.Replica.Now().Add(lifetime), Prior: prior, Member: req.GetMember(),
	}
	s.cfg.Replica.View(func(st *jobs.State) {
		if st.Version() >= jobs.VersionStrangers {
			c.By = callerFrom(ctx).Node
		}
	})
	if _, err := s.propose(ctx, request, jobs.Command{CreateToken: &c}); err != nil {
		return nil, err
	}
	return &anthillv1.CreateTokenResponse{Token: token.String(), ExpiresAt: wire.TimeToProto(c.Expires)}, nil
}

// newToken derives the secret from the CA's key and the request, so that a
// request repeated at another coordinator gives the same token.
func (s *Server) newToken(by jobs.NodeID, request string, role jobs.Role) (identity.Token, error) {
	key, err := s.authority().MarshalKey()
	if err != nil {
		return identity.Token{}, err
	}
	t := identity.Token{CA: s.authority().Fingerprint(), Role: role}
	secret, err := hkdf.Key(sha256.New, key, nil, "anthill token "+string(by)+" "+request, len(t.Secret))
	if err != nil {
		return identity.Token{}, fmt.Errorf("derive token: %w", err)
	}
	copy(t.Secret[:], secret)
	for _, v := range s.cfg.Replica.Servers() {
		t.Addresses = append(t.Addresses, v.Address)
	}
	return t, nil
}

func tokenID(secret []byte) jobs.TokenID {
	hash := identity.HashSecret(secret)
	return jobs.TokenID(hex.EncodeToString(hash[:]))
}

// Enrol implements EnrolmentService. The caller's key is the one that its TLS
// certificate, of whatever issuer, proved to be its own.
func (s *Server) Enrol(ctx context.Context, req *anthillv1.EnrolRequest) (*anthillv1.EnrolResponse, error) {
	c, role := callerFrom(ctx), wire.RoleFromProto(req.GetRole())
	if err := checkAddress("address", req.GetAddress()); err != nil {
		return nil, err
	}
	admit := jobs.AdmitNode{Token: tokenID(req.GetSecret()), Node: c.Node, Role: role, Address: enrolledAt(c, role, req.GetAddress())}
	if err := s.mayAdmit(&admit); err != nil {
		return nil, err
	}
	if err := s.checkRules(role, req.GetLastVersion()); err != nil {
		return nil, err
	}
	s.cfg.Replica.View(func(st *jobs.State) { admit.Long = !req.GetRenews() && st.Version() >= jobs.VersionStrangers })
	out, err := s.propose(ctx, "", jobs.Command{Admit: &admit})
	if err != nil {
		return nil, err
	}
	var hosts []string
	if host, _, err := net.SplitHostPort(req.GetAddress()); err == nil {
		hosts = append(hosts, host)
	}
	now := s.cfg.Replica.Now().Std()
	issue := s.authority().IssueAt
	if !req.GetRenews() {
		issue = s.authority().IssueOld
	}
	cert, err := issue(now, c.key, role, hosts)
	if err != nil {
		return nil, err
	}
	s.heedClock(c.Node, role, req, now)
	resp := &anthillv1.EnrolResponse{
		Certificate: cert, Owner: string(out.Owner), Coordinators: s.coordinators(), Time: timestamppb.New(now),
	}
	if role == jobs.Coordinator {
		resp.CaKey, err = s.authority().MarshalKey()
	}
	return resp, err
}

// silentVersion is the newest version of the rules that coordinators knew which do not say
// what they know.
const silentVersion = jobs.VersionThinkers

// checkRules refuses a coordinator that could not apply the log, before its token is spent.
func (s *Server) checkRules(role jobs.Role, last uint32) error {
	if role != jobs.Coordinator {
		return nil
	}
	knows := jobs.Version(min(last, uint32(jobs.LastVersion)))
	if last == 0 {
		knows = silentVersion
	}
	var version jobs.Version
	s.cfg.Replica.View(func(st *jobs.State) { version = st.Version() })
	if knows >= version {
		return nil
	}
	s.cfg.Logger.Warn("a coordinator that is too old wanted to join: upgrade it", "knows rules up to version", knows, "in force", version)
	return &jobs.Rejection{
		Code: jobs.Precondition, Reason: "TOO_OLD", Subject: "coordinator",
		Message: fmt.Sprintf("it knows rules up to version %d, and version %d is in force", knows, version), Next: "upgrade anthill on that machine, and join again with the same token",
	}
}

// heedClock tells the operators of a node whose clock is wrong; the node's owner is told
// there. It does no harm: nothing is decided by it.
func (s *Server) heedClock(node jobs.NodeID, role jobs.Role, req *anthillv1.EnrolRequest, now time.Time) {
	if req.GetTime() == nil {
		return
	}
	if skew := enrol.SkewOf(req.GetTime().AsTime(), now); skew.IsWrong() {
		s.cfg.Logger.Warn("the clock of a node that joined is wrong", "node", node.Short(), "role", role, "clock", skew)
	}
}

// enrolledAt is where a node that enrols is to be reached. Only a coordinator's word is
// taken for it, since that is looked at before it counts, see Coordinator.enlist: others
// could send everybody to somebody else's door.
func enrolledAt(c caller, role jobs.Role, address string) string {
	if role == jobs.Coordinator {
		return address
	}
	return c.reach(address)
}

// mayAdmit refuses what the state would, without a log entry: strangers must not be
// able to fill the log, not even with a token that was good once.
func (s *Server) mayAdmit(c *jobs.AdmitNode) error {
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) { r = st.MayAdmit(c) })
	if r != nil {
		return r
	}
	return nil
}

// coordinators are the voters.
func (s *Server) coordinators() []*anthillv1.CoordinatorAddress {
	var list []*anthillv1.CoordinatorAddress
	for _, v := range s.cfg.Replica.Servers() {
		list = append(list, &anthillv1.CoordinatorAddress{NodeId: string(v.Node), Address: v.Address})
	}
	return list
}
