package rpc

import (
	"context"
	"crypto/ed25519"
	"net/netip"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// everybody are the roles that a certificate can give.
var everybody = []jobs.Role{jobs.Coordinator, jobs.Worker, jobs.Submitter, jobs.Operator}

// access says which roles may call what; nobody may call what is not listed. Entries
// are methods or whole services.
var access = map[string][]jobs.Role{
	"/anthill.v1.JobService":                    {jobs.Submitter, jobs.Operator},
	"/anthill.v1.BlobService":                   {jobs.Submitter, jobs.Operator},
	"/anthill.v1.NodeService":                   {jobs.Submitter, jobs.Operator, jobs.Coordinator},
	"/anthill.v1.AdminService":                  {jobs.Operator},
	"/anthill.v1.WorkService":                   {jobs.Worker},
	"/anthill.v1.SessionService":                {jobs.Worker, jobs.Submitter, jobs.Operator},
	"/anthill.v1.PieceService":                  everybody,
	"/anthill.v1.TrackerService":                everybody,
	"/anthill.v1.CoordinatorService":            {jobs.Coordinator},
	"/anthill.v1.OperationService":              {jobs.Operator},
	"/anthill.v1.AccountService/SetOwner":       {jobs.Operator},
	"/anthill.v1.AccountService/GetAccount":     {jobs.Submitter, jobs.Operator},
	"/anthill.v1.EnrolmentService/CreateToken":  {jobs.Operator, jobs.Coordinator},
	"/anthill.v1.EnrolmentService/Enrol":        append([]jobs.Role{jobs.Stranger}, everybody...),
	"/anthill.v1.EnrolmentService/Renew":        append([]jobs.Role{jobs.Stranger}, everybody...),
	"/anthill.v1.EnrolmentService/GetTrust":     everybody,
	"/grpc.health.v1.Health":                    everybody,
	"/grpc.reflection.v1.ServerReflection":      everybody,
	"/grpc.reflection.v1alpha.ServerReflection": everybody,
}

// caller is who makes a call: the node at the other end of the connection or,
// where a coordinator forwards, the node that it answers for.
type caller struct {
	identity.Peer
	key       ed25519.PublicKey
	host      string // that the call came from; "" if that is not known
	forwarded bool
	by        identity.Peer // who forwarded it
}

type callerKey struct{}

func callerFrom(ctx context.Context) caller { return ctx.Value(callerKey{}).(caller) }

// reach is the address of a caller that says it listens at one, as far as that is seen
// from here.
// Coordinators are believed.
func (c caller) reach(address string) string {
	if at, ok := swarm.CallerAt(c.host, address); ok && c.Role != jobs.Coordinator {
		return at
	}
	return address
}

// forwardedFor carries the caller in a forwarded call: a role byte, the public key
// and the host that the call came from. Only coordinators are believed, see authorize.
const forwardedFor = "anthill-forwarded-for-bin"

func (c caller) encode() string {
	return string(slices.Concat([]byte{byte(c.Role)}, c.key, []byte(c.host)))
}

func decodeCaller(s string) (caller, bool) {
	const end = 1 + ed25519.PublicKeySize
	if len(s) < end {
		return caller{}, false
	}
	if _, err := netip.ParseAddr(s[end:]); err != nil && len(s) > end {
		return caller{}, false
	}
	key := ed25519.PublicKey(s[1:end])
	return caller{host: s[end:], Peer: identity.Peer{Node: identity.NodeOf(key), Role: jobs.Role(s[0])}, key: key, forwarded: true}, true
}

func identify(ctx context.Context) (caller, error) {
	from, err := identity.FromContext(ctx)
	if err != nil {
		return caller{}, unknownCaller(err.Error(), "")
	}
	key, err := identity.PublicKeyFrom(ctx)
	if err != nil {
		return caller{}, unknownCaller(err.Error(), "")
	}
	values := metadata.ValueFromIncomingContext(ctx, forwardedFor)
	if len(values) == 0 || from.Role != jobs.Coordinator {
		return caller{Peer: from, key: key, host: swarm.CallerHost(ctx)}, nil
	}
	c, ok := decodeCaller(values[0])
	if !ok || len(values) > 1 {
		return caller{}, badForward(from.Node)
	}
	c.by = from
	return c, nil
}

// authorize identifies the caller and refuses what its present role may not do. Who speaks
// for another has to be a coordinator at present: one that was let go keeps a certificate.
func (s *Server) authorize(ctx context.Context, method string) (context.Context, error) {
	c, err := identify(ctx)
	if err != nil {
		return nil, err
	}
	if c.forwarded {
		role, err := s.standing(ctx, c.by)
		if err != nil {
			return nil, err
		}
		if role != jobs.Coordinator {
			return nil, wrongRole(method, role, []jobs.Role{jobs.Coordinator})
		}
	}
	if c.Role, err = s.standing(ctx, c.Peer); err != nil {
		return nil, err
	}
	if err := mayCall(c.Role, method); err != nil {
		return nil, err
	}
	return context.WithValue(ctx, callerKey{}, c), nil
}

func mayCall(role jobs.Role, method string) error {
	roles, ok := access[method]
	if !ok {
		service, _, _ := strings.Cut(method[1:], "/")
		roles = access["/"+service]
	}
	if slices.Contains(roles, role) {
		return nil
	}
	if role == jobs.Stranger {
		return unknownCaller(method+": you have no certificate of this grid", method)
	}
	return wrongRole(method, role, roles)
}

// unary forwards a call that was admitted, where only the leader can answer and
// this coordinator is not.
func (s *Server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if of := s.holdingOf(ctx); of != nil {
		letGo, ok := s.burden.keep(of, sizeOf(req))
		if !ok {
			return nil, tooManyBytes(callerFrom(ctx).Node)
		}
		defer letGo()
	}
	if err := gridconn.CheckNames(req); err != nil {
		return nil, err
	}
	if err := s.inTime(ctx, info.FullMethod); err != nil {
		return nil, statusOf(err)
	}
	if leaderOnly[info.FullMethod] {
		leader, err := s.leader(ctx)
		if err != nil {
			return nil, statusOf(err)
		}
		if leader != nil {
			resp, err := s.forward(ctx, leader, info.FullMethod, req)
			return resp, statusOf(err)
		}
	}
	var resp any
	err := s.unlessFrozen(func() (err error) {
		resp, err = handler(ctx, req)
		return err
	})
	if err != nil {
		return nil, statusOf(err)
	}
	return resp, nil
}

func (s *Server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	if err := s.inTime(ss.Context(), info.FullMethod); err != nil {
		return statusOf(err)
	}
	return statusOf(s.unlessFrozen(func() error {
		if of := s.holdingOf(ss.Context()); of != nil {
			counted := &heldStream{ServerStream: ss, burden: &s.burden, of: of}
			defer counted.end()
			return handler(srv, counted)
		}
		return handler(srv, ss)
	}))
}
