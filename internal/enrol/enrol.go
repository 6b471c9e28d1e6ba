// Package enrol trades a join token for a certificate.
package enrol

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// connectTime is for a connection, callTime for that and the answer.
	connectTime = 3 * time.Second
	callTime    = 5 * time.Second
	pause       = 300 * time.Millisecond
	// waitingTold is when it is told that no coordinator answers.
	waitingTold = 2 * time.Second
	newToken    = "ask an operator of the grid for a new token: anthill token create --role %s"
)

// Config is one node's wish to get in.
type Config struct {
	Token identity.Token
	// Key is the one to be certified. Save it before (identity.OpenKey): after
	// a lost answer the node can then ask again as the same node.
	Key identity.Key
	// Role is the one that the node wants; it must be the token's.
	Role jobs.Role
	// Address is the HOST:PORT at which it will serve; empty for submitters.
	Address string
	// Patience is how long to go on when no coordinator answers. Default 15 s.
	Patience time.Duration
	// Waiting, where set, is told once when none has answered for some seconds.
	Waiting func(text string)
}

// Enrolment is what a node got.
type Enrolment struct {
	// Directory is ready to be saved. Its coordinators are those of the answer or,
	// if it names none, the token's.
	Directory *identity.Directory
	// Skew is how wrong this machine's clock is; 0 if the grid does not tell.
	Skew Skew
}

// Enrol asks the token's coordinators until one decides.
// Errors are of the kinds of package problem: ErrInvalid for a token of
// another role, ErrRefused with the grid's reason, ErrUnavailable.
func Enrol(ctx context.Context, cfg Config) (*Enrolment, error) {
	if cfg.Token.Role != cfg.Role {
		return nil, problem.Invalid(fmt.Sprintf(newToken, cfg.Role),
			"enrol: the token is for a %s, not for a %s", cfg.Token.Role, cfg.Role)
	}
	if cfg.Patience == 0 {
		cfg.Patience = 15 * time.Second
	}
	end := time.Now().Add(cfg.Patience)
	if cfg.Waiting != nil {
		told := time.AfterFunc(waitingTold, func() {
			cfg.Waiting(fmt.Sprintf("no coordinator answers yet (trying %s): trying for %s in all", strings.Join(cfg.Token.Addresses, ", "), cfg.Patience))
		})
		defer told.Stop()
	}
	for {
		enrolment, err := tryAll(ctx, cfg)
		if err == nil || !errors.Is(err, problem.ErrUnavailable) || ctx.Err() != nil || time.Now().After(end) {
			return enrolment, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// decision is what a coordinator made of the token: an enrolment, or the grid's no.
type decision struct {
	enrolment *Enrolment
	refusal   error
}

// tryAll asks the coordinators, each a head start after the one before, until one
// decides: a grid that is asked twice by one node lets it in once. An impostor decides
// nothing.
func tryAll(ctx context.Context, cfg Config) (*Enrolment, error) {
	got, failed := reach.First(ctx, cfg.Token.Addresses, func(ctx context.Context, address string) (decision, error) {
		enrolment, err := try(ctx, cfg, address)
		if errors.Is(err, problem.ErrUnavailable) || errors.As(err, new(*impostor)) {
			return decision{}, err
		}
		return decision{enrolment, err}, nil
	}, func(decision) {})
	if failed == nil {
		return got.enrolment, got.refusal
	}
	return nil, undecided(cfg, failed)
}

// undecided says of each coordinator why it did not answer, or that it is an impostor.
func undecided(cfg Config, failed []error) error {
	var list []string
	for i, err := range failed {
		address := cfg.Token.Addresses[i]
		if errors.As(err, new(*impostor)) && problem.Next(err) != "" { // it may be this machine's clock
			return fmt.Errorf("enrol at %s: %w", address, err)
		}
		if errors.As(err, new(*impostor)) {
			return &problem.Problem{Kind: problem.ErrRefused, Cause: err,
				Message: fmt.Sprintf("enrol at %s: %v", address, err), Next: fmt.Sprintf(newToken, cfg.Role)}
		}
		list = append(list, fmt.Sprintf("%s (%v)", address, err))
	}
	return &problem.Problem{Kind: problem.ErrUnavailable, Cause: errors.Join(failed...),
		Message: "enrol: no coordinator answers at " + strings.Join(list, ", "),
		Next:    "check that one of them runs and can be reached from here"}
}

// impostor is a server that could not prove to be a coordinator of the grid.
type impostor struct{ cause error }

func (i *impostor) Error() string { return i.cause.Error() }
func (i *impostor) Unwrap() error { return i.cause }

// try asks one coordinator.
func try(ctx context.Context, cfg Config, address string) (*Enrolment, error) {
	config, err := identity.EnrolTLS(cfg.Key, [][32]byte{cfg.Token.CA})
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	rejection := recordRejection(config)
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(config)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: connectTime}), reach.DialOption())
	if err != nil {
		return nil, fmt.Errorf("enrol at %s: %w", address, err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var server peer.Peer
	began := time.Now()
	resp, err := anthillv1.NewEnrolmentServiceClient(conn).Enrol(ctx, &anthillv1.EnrolRequest{
		Secret: cfg.Token.Secret[:], Address: cfg.Address, Role: wire.RoleToProto(cfg.Role),
		Time: timestamppb.New(began), Renews: true, LastVersion: uint32(jobs.LastVersion),
	}, grpc.Peer(&server))
	if cause := rejection.Load(); cause != nil {
		return nil, &impostor{*cause}
	}
	if err != nil {
		return nil, refused(cfg, address, err)
	}
	enrolment, err := settle(cfg, resp, server)
	if err == nil && resp.GetTime() != nil {
		enrolment.Skew = SkewOf(began.Add(time.Since(began)/2), resp.GetTime().AsTime())
	}
	return enrolment, err
}

// recordRejection notes why this side refused the server, because gRPC would
// call that UNAVAILABLE.
func recordRejection(config *tls.Config) *atomic.Pointer[error] {
	var rejection atomic.Pointer[error]
	verify := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		err := verify(state)
		if err != nil {
			rejection.Store(&err)
		}
		return err
	}
	return &rejection
}

func refused(cfg Config, address string, err error) error {
	readable := problem.FromStatus(err)
	switch {
	case errors.Is(readable, problem.ErrUnavailable):
		return readable
	case status.Code(err) == codes.PermissionDenied && problem.Next(readable) == "":
		return &problem.Problem{Kind: problem.ErrRefused, Cause: readable,
			Message: fmt.Sprintf("enrol at %s: %v", address, readable), Next: fmt.Sprintf(newToken, cfg.Role)}
	}
	return fmt.Errorf("enrol at %s: %w", address, readable)
}

// settle checks the answer and makes a directory of it.
func settle(cfg Config, resp *anthillv1.EnrolResponse, server peer.Peer) (*Enrolment, error) {
	info, ok := server.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return nil, fmt.Errorf("enrol: connection authenticated by %T, not by TLS", server.AuthInfo)
	}
	ca, err := identity.CAFrom(info.State, cfg.Token.CA)
	if err != nil {
		return nil, fmt.Errorf("enrol: %w", err)
	}
	id, err := identity.New(cfg.Key, resp.GetCertificate(), ca)
	if err != nil {
		return nil, fmt.Errorf("enrol: the answer is no use: %w", err)
	}
	dir := &identity.Directory{Identity: id, Owner: resp.GetOwner()}
	for _, c := range resp.GetCoordinators() {
		dir.Coordinators = append(dir.Coordinators, c.GetAddress())
	}
	if len(dir.Coordinators) == 0 {
		dir.Coordinators = cfg.Token.Addresses
	}
	if key := resp.GetCaKey(); len(key) > 0 {
		authority, err := identity.LoadAuthority(ca, key)
		if err != nil {
			return nil, fmt.Errorf("enrol: the answer is no use: %w", err)
		}
		dir.Authorities = identity.NewAuthorities(authority)
	}
	return &Enrolment{Directory: dir}, nil
}
