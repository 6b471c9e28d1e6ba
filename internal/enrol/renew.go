package enrol

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/reach"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// renewLook is how often a node looks whether its certificate has to be renewed.
	renewLook = time.Hour
	// wakePatience is how long a node whose certificate has ended tries for another.
	wakePatience = 15 * time.Second
)

// Renew gets another certificate for a node that the grid knows, and saves it in path. It
// shows a certificate of the node's own making: its key is what counts, and its last
// certificate may have ended.
func Renew(ctx context.Context, dir *identity.Directory, path string) error {
	got, failed := reach.First(ctx, dir.Coordinators, func(ctx context.Context, address string) (*anthillv1.RenewResponse, error) {
		return renewAt(ctx, dir.Identity, address)
	}, func(*anthillv1.RenewResponse) {})
	if failed != nil {
		return problem.FromStatus(failed[0])
	}
	if err := dir.Identity.Renew(got.GetCertificate()); err != nil {
		return err
	}
	return dir.Save(path)
}

func renewAt(ctx context.Context, id *identity.Identity, address string) (*anthillv1.RenewResponse, error) {
	config, err := identity.EnrolTLS(id.Key, id.Fingerprints())
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(credentials.NewTLS(config)), reach.DialOption())
	if err != nil {
		return nil, fmt.Errorf("renew certificate at %s: %w", address, err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	return anthillv1.NewEnrolmentServiceClient(conn).Renew(ctx, &anthillv1.RenewRequest{})
}

// Wake renews the certificate of a node that has slept until it ended. It returns nil if
// it has not.
func Wake(ctx context.Context, dir *identity.Directory, path string) error {
	if !dir.Identity.Expired(time.Now()) {
		return nil
	}
	var err error
	for end := time.Now().Add(wakePatience); time.Now().Before(end) && ctx.Err() == nil; {
		if err = Renew(ctx, dir, path); err == nil || !errors.Is(err, problem.ErrUnavailable) {
			break
		}
		time.Sleep(pause)
	}
	if err == nil {
		return nil
	}
	return &problem.Problem{Kind: problem.ErrRefused, Cause: err,
		Message: fmt.Sprintf("the certificate of node %s has ended at %s, and is not renewed by the coordinators at %s: %v",
			dir.Identity.Node().Short(), dir.Identity.Leaf().NotAfter.UTC().Format(time.DateTime), strings.Join(dir.Coordinators, ", "), err),
		Next: "join the grid again with a new token"}
}

// Keep renews a node's certificate whenever that is due, by renew, until ctx ends. Errors
// are told, and it is tried again: there is time.
func Keep(ctx context.Context, id *identity.Identity, renew func() error, failed func(error)) {
	for ctx.Err() == nil {
		if id.Due(time.Now()) {
			if err := renew(); err != nil && ctx.Err() == nil {
				failed(err)
			}
		}
		select {
		case <-time.After(renewLook):
		case <-ctx.Done():
		}
	}
}
