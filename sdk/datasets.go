package sdk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/steady"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// PutOptions say how to put a dataset.
type PutOptions struct {
	// Name is for people: at most 128 bytes of text in one line. Empty: the name of the
	// file, in so far as it is such text.
	Name string
	// Reading, where set, is called several times a second while the path is read and
	// hashed, with how many bytes were read of how many: 0 while that is not known.
	Reading func(read, size int64)
	// Begun, where set, is called with the blob's id and size in bytes once the
	// grid knows of it.
	Begun func(id string, size int64)
	// Progress, where set, is called several times a second.
	Progress func(PutProgress)
}

// PutProgress is how much of a dataset has reached the grid.
type PutProgress struct {
	Size, Sent int64 // in bytes; Sent counts what left this machine
	Peers      int   // that take it from here
	// Copies are the coordinators that have all of it, of the Needed ones; Owners
	// how many owners these have, of the OwnersNeeded.
	Copies, Needed       uint32
	Owners, OwnersNeeded uint32
	// Wait is what further copies wait for; nil if there are enough. PassedOver are
	// the coordinators that are not waited for any more.
	Wait       *anthillv1.Wait
	PassedOver []string
}

const (
	// putPoll is how often the grid is asked how many copies there are.
	putPoll = 250 * time.Millisecond
	// claimEvery is how often it is told that the blob is still to come: a claim of
	// what does not come ends after a day.
	claimEvery = time.Hour
)

// Put gives a file or a directory to the grid, which keeps it until Drop. It
// returns the blob's id when so many coordinators have it that this machine may
// leave. A directory becomes one blob, an archive that FetchOptions.Unpack takes
// apart again. Repeated after an interruption, it goes on where it was. It is an
// error of kind ErrInvalid if the path cannot be read, and of kind ErrRefused if
// the grid has no room for it or this owner keeps too much.
func (g *Grid) Put(ctx context.Context, path string, opts PutOptions) (id string, err error) {
	if !jobs.IsPlain(opts.Name) || !jobs.IsBlobName(opts.Name) {
		return "", problem.Invalid(fmt.Sprintf("give another by --name: at most %d bytes of text, in one line", jobs.MaxBlobName), "put %s: name: %.40q is not a name", path, opts.Name)
	}
	dir, err := newScratch("put")
	if err != nil {
		return "", fmt.Errorf("put %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, dir.remove()) }()
	p, err := g.openPeer(dir.store(), nil)
	if err != nil {
		return "", fmt.Errorf("put %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, p.close()) }()
	ref, err := p.importPath(ctx, path, opts.Reading)
	if err != nil {
		return "", err
	}
	if opts.Name == "" {
		opts.Name = nameFor(path)
	}
	return ref.ID.String(), p.put(ctx, ref, opts)
}

// nameFor is what a dataset is called if nobody says: after its file, whose name may have
// any bytes.
func nameFor(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole // of . for one
	}
	name := strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !jobs.IsPlain(string(r)) {
			return '?'
		}
		return r
	}, filepath.Base(path))
	for len(name) > jobs.MaxBlobName {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	return name
}

// importPath stores a file, or a directory as an archive.
func (p *peer) importPath(ctx context.Context, path string, tell func(read, size int64)) (blob.Ref, error) {
	in, size, err := openPath(path)
	if err != nil {
		return blob.Ref{}, fmt.Errorf("put: %w", err)
	}
	ref, err := p.importStream(ctx, &progressReader{in: in, tell: tell, size: size}, size)
	if err := errors.Join(err, in.Close()); err != nil {
		return blob.Ref{}, tooFull(spaceForScratch, reading("put", path, err))
	}
	return ref, nil
}

// openPath opens a file, or a directory as an archive, whose size is not known.
func openPath(path string) (in io.ReadCloser, size int64, err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return archive(path), 0, nil
	}
	file, err := steady.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return file, file.Size(), nil
}

// importStream stores what a reader gives if there is room for it.
func (p *peer) importStream(ctx context.Context, in io.Reader, size int64) (blob.Ref, error) {
	if err := p.store.Room(size, 0); err != nil {
		return blob.Ref{}, err
	}
	return p.store.Import(cancellable{ctx, in})
}

// reading is an error while a path was read. What is wrong with it names the file itself,
// perhaps one in a directory; that a blob was to be made of it is beside the point then.
func reading(what, path string, err error) error {
	var p *problem.Problem
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", what, p)
	}
	return fmt.Errorf("%s %s: %w", what, path, err)
}

// put serves a blob until the grid has enough copies.
func (p *peer) put(ctx context.Context, ref blob.Ref, opts PutOptions) error {
	p.store.Pin(ref.ID)
	defer p.store.Unpin(ref.ID)
	b, err := p.claim(ctx, ref, opts.Name)
	if err != nil {
		return err
	}
	if opts.Begun != nil {
		opts.Begun(ref.ID.String(), ref.Size)
	}
	defer p.announce(ctx, ref.ID)()
	for claimed := time.Now(); ; {
		if opts.Progress != nil {
			opts.Progress(PutProgress{
				Size: ref.Size, Sent: p.swarm.Sent(), Peers: p.swarm.Clients(ref.ID), Copies: b.GetCopies(), Needed: b.GetCopiesNeeded(),
				Owners: b.GetCopyOwners(), OwnersNeeded: b.GetCopyOwnersNeeded(), Wait: b.GetWait(), PassedOver: b.GetPassedOver(),
			})
		}
		if b.GetCopies() >= b.GetCopiesNeeded() && b.GetCopyOwners() >= b.GetCopyOwnersNeeded() {
			return nil
		}
		sleep(ctx, putPoll)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("put blob %s: the grid has %d of the %d copies that it needs, with %d of %d owners%s: %w",
				ref.ID.Short(), b.GetCopies(), b.GetCopiesNeeded(), b.GetCopyOwners(), b.GetCopyOwnersNeeded(), lackingFor(b.GetWait()), err)
		}
		if time.Since(claimed) >= claimEvery {
			claimed = time.Now()
			if err := p.renew(ctx, ref, opts.Name); err != nil {
				return err
			}
		}
		if b, err = p.grid.blob(ctx, ref.ID); err != nil {
			return err
		}
	}
}

// lackingFor is why there are no more copies.
func lackingFor(w *anthillv1.Wait) string {
	if why := waits.FromProto(w).Why(time.Now()); why != "" {
		return " (" + why + ")"
	}
	return ""
}

// claim asks the grid to copy a blob from here and to keep it.
func (p *peer) claim(ctx context.Context, ref blob.Ref, name string) (*anthillv1.Blob, error) {
	req := &anthillv1.KeepBlobRequest{
		Ref: wire.RefToProto(ref), Name: name, Provider: p.listener.Addr().String(), RequestId: rand.Text(),
	}
	resp, err := call(ctx, p.grid, "put blob "+ref.ID.Short(), func(ctx context.Context) (*anthillv1.KeepBlobResponse, error) {
		return p.grid.blobs.KeepBlob(ctx, req)
	})
	return resp.GetBlob(), err
}

// renew claims a blob again. If nobody answers the last claim stands; if the grid
// says no there is nothing to wait for.
func (p *peer) renew(ctx context.Context, ref blob.Ref, name string) error {
	_, err := p.claim(ctx, ref, name)
	if err == nil || ctx.Err() == nil && !errors.Is(err, problem.ErrUnavailable) {
		return err
	}
	p.grid.logger.Debug("failed to renew the claim of a blob", "blob", ref.ID, "error", err)
	return nil
}

// blob describes one dataset. It is an error of kind ErrNotFound if it is not kept.
func (g *Grid) blob(ctx context.Context, id blob.ID) (*anthillv1.Blob, error) {
	resp, err := call(ctx, g, "get blob", func(ctx context.Context) (*anthillv1.GetBlobResponse, error) {
		return g.blobs.GetBlob(ctx, &anthillv1.GetBlobRequest{Id: id[:]})
	})
	return resp.GetBlob(), err
}

// Share lets another owner, or "everybody", read a dataset that is kept for this identity's
// owner, or ends that. It is an error of kind ErrNotFound if it is not kept for it.
func (g *Grid) Share(ctx context.Context, name, with string, stop bool) error {
	id, err := parseBlob("share", name)
	if err != nil {
		return err
	}
	req := &anthillv1.ShareBlobRequest{Id: id[:], With: with, Stop: stop, RequestId: rand.Text()}
	_, err = call(ctx, g, "share blob", func(ctx context.Context) (*anthillv1.ShareBlobResponse, error) {
		return g.blobs.ShareBlob(ctx, req)
	})
	return err
}

// Drop ends the keeping of a dataset, unless other owners want it too. It is an
// error of kind ErrInvalid if the name is no id, of kind ErrNotFound if the blob
// is not kept, and of kind ErrRefused if it is kept for others alone.
func (g *Grid) Drop(ctx context.Context, name string) error {
	id, err := parseBlob("drop", name)
	if err != nil {
		return err
	}
	req := &anthillv1.DropBlobRequest{Id: id[:], RequestId: rand.Text()}
	_, err = call(ctx, g, "drop blob", func(ctx context.Context) (*anthillv1.DropBlobResponse, error) {
		return g.blobs.DropBlob(ctx, req)
	})
	return err
}
