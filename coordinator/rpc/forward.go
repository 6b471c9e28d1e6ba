package rpc

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/internal/gridconn"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// leaderOnly are the calls that change something or need what only the leader
// knows. Others are answered by any coordinator from its own replica.
var leaderOnly = map[string]bool{
	anthillv1.OperationService_ListCoordinators_FullMethodName:   true,
	anthillv1.OperationService_TransferLeadership_FullMethodName: true,
	anthillv1.JobService_SubmitJob_FullMethodName:                true,
	anthillv1.JobService_CancelJob_FullMethodName:                true,
	anthillv1.JobService_GetSwarm_FullMethodName:                 true,
	anthillv1.BlobService_KeepBlob_FullMethodName:                true,
	anthillv1.BlobService_DropBlob_FullMethodName:                true,
	anthillv1.BlobService_ShareBlob_FullMethodName:               true,
	anthillv1.AccountService_SetOwner_FullMethodName:             true,
	anthillv1.BlobService_NameRuntime_FullMethodName:             true,
	anthillv1.NodeService_ListNodes_FullMethodName:               true,
	anthillv1.NodeService_ListTrust_FullMethodName:               true,
	anthillv1.EnrolmentService_CreateToken_FullMethodName:        true,
	anthillv1.EnrolmentService_Enrol_FullMethodName:              true,
	anthillv1.AdminService_RevokeToken_FullMethodName:            true,
	anthillv1.AdminService_EndNode_FullMethodName:                true,
	anthillv1.AdminService_BanOwner_FullMethodName:               true,
	anthillv1.AdminService_ListMembers_FullMethodName:            true,
	anthillv1.AdminService_ChangeDenied_FullMethodName:           true,
	anthillv1.WorkService_Offer_FullMethodName:                   true,
	anthillv1.WorkService_Report_FullMethodName:                  true,
	anthillv1.WorkService_Heartbeat_FullMethodName:               true,
	anthillv1.TrackerService_Announce_FullMethodName:             true,
	anthillv1.TrackerService_ReportPeers_FullMethodName:          true,
	anthillv1.CoordinatorService_ReadIndex_FullMethodName:        true,
	anthillv1.CoordinatorService_Move_FullMethodName:             true,
	anthillv1.CoordinatorService_ConfirmHeld_FullMethodName:      true,
	anthillv1.JobService_DeleteJob_FullMethodName:                true,
}

// leaderWait is for how long a call waits for a leader to be there.
const leaderWait = 4 * time.Second

// forward sends a call on to the leader, in the caller's name. A call that was
// forwarded already is not sent round in circles.
func (s *Server) forward(ctx context.Context, leader *gridconn.Conn, method string, req any) (any, error) {
	c := callerFrom(ctx)
	if c.forwarded {
		return nil, desk.ErrNoLeader
	}
	resp, err := newResponse(method)
	if err != nil {
		return nil, err
	}
	ctx = metadata.AppendToOutgoingContext(ctx, forwardedFor, c.encode())
	return resp, leaderError(s.cfg.Node, leader.Invoke(ctx, method, req, resp))
}

// leader is a connection to the leader, once there is one; nil if that is this
// coordinator.
func (s *Server) leader(ctx context.Context) (*gridconn.Conn, error) {
	deadline := time.Now().Add(leaderWait)
	for {
		if err := s.cfg.Replica.Frozen(); err != nil {
			return nil, fmt.Errorf("%w: %w", desk.ErrNoLeader, err)
		}
		if s.cfg.Desk.Leading() {
			return nil, nil
		}
		id, address, ok := s.cfg.Replica.Leader()
		if ok && id != s.cfg.Node {
			return s.cfg.DialCoordinator(address)
		}
		if time.Now().After(deadline) {
			return nil, desk.ErrNoLeader
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// newResponse makes an empty answer of a method such as
// /anthill.v1.JobService/GetJob.
func newResponse(method string) (proto.Message, error) {
	name := protoreflect.FullName(method[1:])
	for i := range name {
		if name[i] == '/' {
			name = name[:i] + "." + name[i+1:]
			break
		}
	}
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return nil, fmt.Errorf("forward %s: %w", method, err)
	}
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.(protoreflect.MethodDescriptor).Output().FullName())
	if err != nil {
		return nil, fmt.Errorf("forward %s: %w", method, err)
	}
	return t.New().Interface(), nil
}

// fresh returns when this replica has seen every write that was acknowledged
// before the call, whichever coordinator acknowledged it.
func (s *Server) fresh(ctx context.Context) error {
	leader, err := s.leader(ctx)
	if err != nil {
		return err
	}
	if leader == nil {
		_, err := s.cfg.Replica.ReadIndex()
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, leaderWait)
	defer cancel()
	resp, err := anthillv1.NewCoordinatorServiceClient(leader).ReadIndex(ctx, &anthillv1.ReadIndexRequest{})
	if err != nil {
		return leaderError(s.cfg.Node, err)
	}
	return s.cfg.Replica.WaitApplied(ctx, resp.GetIndex())
}
