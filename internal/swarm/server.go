package swarm

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// frameSize shows that something moves on slow lines that many share: only whole frames
	// can be counted.
	frameSize = stallBytes
	// maxBlobs is how many blobs one ReadBlobs may ask for.
	maxBlobs = 4096
)

// ServerConfig is what a Server needs.
type ServerConfig struct {
	Store *blobstore.Store
	// Allow tells whether the caller may have a blob; nil means everybody may.
	// A caller that may not gets the same answer as if the blob were not there.
	Allow func(ctx context.Context, id blob.ID) bool
	// Owed, where set, tells whether the caller may have a blob even when the line
	// may carry no more.
	Owed func(ctx context.Context, id blob.ID) bool
	// Swarm, where set, fetches into Store: what it gains is served at once, and
	// it is told of peers that come to download.
	Swarm *Swarm
	// Sign, where set, signs what is said of a piece to whoever is at the other end of a
	// connection; false if it cannot tell who that is.
	Sign func(word *blob.Served, to credentials.AuthInfo) bool
	// Tamper, where set, changes what is sent, for trying out whether others
	// notice.
	Tamper func([]byte)
}

// Server serves the pieces in a store. Every piece is hashed as it is read, so
// that a rotten disk is never taken for a liar.
type Server struct {
	anthillv1.UnimplementedPieceServiceServer
	store   *blobstore.Store
	allow   func(ctx context.Context, id blob.ID) bool
	owed    func(ctx context.Context, id blob.ID) bool
	swarm   *Swarm // nil: none
	uploads *uploads
	signer  func(word *blob.Served, to credentials.AuthInfo) bool
	tamper  func([]byte)
}

// NewServer makes a Server.
func NewServer(cfg ServerConfig) *Server {
	allow := cfg.Allow
	if allow == nil {
		allow = func(context.Context, blob.ID) bool { return true }
	}
	owed := cfg.Owed
	if owed == nil {
		owed = func(context.Context, blob.ID) bool { return false }
	}
	uploads := newUploads(func() error { return nil })
	if cfg.Swarm != nil {
		uploads = cfg.Swarm.uploads
	}
	return &Server{store: cfg.Store, allow: allow, owed: owed, swarm: cfg.Swarm, uploads: uploads, signer: cfg.Sign, tamper: cfg.Tamper}
}

// ReadBlobs implements anthillv1.PieceServiceServer.
func (s *Server) ReadBlobs(req *anthillv1.ReadBlobsRequest, stream grpc.ServerStreamingServer[anthillv1.ReadBlobsResponse]) error {
	if len(req.GetBlobs()) > maxBlobs {
		return newStatus(codes.InvalidArgument, "TOO_MANY_BLOBS", "%d blobs in one request, at most %d", len(req.GetBlobs()), maxBlobs)
	}
	for i, raw := range req.GetBlobs() {
		ctx := stream.Context()
		if i < len(req.GetGrants()) {
			ctx = withGrant(ctx, req.GetGrants()[i])
		}
		resp, err := s.readBlob(ctx, raw)
		if err != nil {
			return err
		}
		if err := stream.Send(resp); err != nil {
			return err
		}
	}
	return nil
}

func (s *Server) readBlob(ctx context.Context, raw []byte) (*anthillv1.ReadBlobsResponse, error) {
	id, err := blob.IDFrom(raw)
	if err != nil {
		return nil, newStatus(codes.InvalidArgument, "BAD_BLOB_ID", "%v", err)
	}
	missing := &anthillv1.ReadBlobsResponse{Blob: raw, Missing: true}
	if !s.serves(ctx, id) {
		return missing, nil
	}
	m, err := s.store.Manifest(id)
	if err == nil && m.Size > blob.MinPiece {
		return missing, nil
	}
	var data []byte
	if err == nil {
		data, err = s.store.ReadRange(id, 0, -1)
	}
	if errors.Is(err, blobstore.ErrNotFound) {
		return missing, nil
	}
	if err != nil {
		return nil, statusOf(id, err)
	}
	return &anthillv1.ReadBlobsResponse{Blob: raw, Data: data}, nil
}

// serves tells whether the caller gets a blob, if it is here.
func (s *Server) serves(ctx context.Context, id blob.ID) bool {
	return s.allow(ctx, id) && (s.uploads.spent() == nil || s.owed(ctx, id))
}

// check reads a blob's id and asks whether the caller may have it.
func (s *Server) check(ctx context.Context, raw []byte) (blob.ID, error) {
	id, err := blob.IDFrom(raw)
	if err != nil {
		return id, newStatus(codes.InvalidArgument, "BAD_BLOB_ID", "%v", err)
	}
	if !s.serves(ctx, id) {
		return id, statusOf(id, blobstore.ErrNotFound)
	}
	return id, nil
}

// statusOf turns the store's errors into the statuses of PieceService.
func statusOf(id blob.ID, err error) error {
	if errors.Is(err, blobstore.ErrNotFound) {
		return newStatus(codes.NotFound, "BLOB_NOT_FOUND", "blob %s is not here", id.Short())
	}
	if errors.Is(err, errCrowded) {
		return newStatus(codes.ResourceExhausted, "TOO_MANY_EXCHANGES", "%v", err)
	}
	return newStatus(codes.Internal, "STORE_FAILED", "%v", err)
}

func newStatus(code codes.Code, reason, format string, args ...any) error {
	return problem.ToStatus(code, fmt.Sprintf(format, args...), reason, "", "")
}
