package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// ServeFile serves a file to the members of the grid until ctx ends. Began is
// called with the blob's id once others can find it.
func (g *Grid) ServeFile(ctx context.Context, path string, began func(id string, size int64)) (err error) {
	dir, err := os.MkdirTemp("", "anthill-serve-")
	if err != nil {
		return fmt.Errorf("serve %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	p, err := g.openPeer(dir, nil)
	if err != nil {
		return fmt.Errorf("serve %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, p.close()) }()
	file, err := os.Open(path)
	if err != nil {
		return problem.Invalid("name a file that can be read", "serve %s: %w", path, reason(err))
	}
	ref, err := p.store.Import(cancellable{ctx, file})
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("serve %s: %w", path, err)
	}
	return p.serve(ctx, ref.ID, func() { began(ref.ID.String(), ref.Size) })
}

// FetchOptions say what to do with a blob.
type FetchOptions struct {
	// Path is the file to write; what has come of it is kept beside it, in
	// Path.part, until it is complete. Empty: the blob is written to Stream.
	Path string
	// Unpack makes Path the directory that was put, once all of it has come. Path
	// must not be there yet.
	Unpack bool
	// Stream gets the blob in order, while it loads.
	Stream io.Writer
	// Serve goes on serving it to others, after Done, until ctx ends.
	Serve bool
	// Garbage makes it serve wrong bytes, for trying out whether others notice.
	Garbage bool
	// Progress, where set, is called several times a second.
	Progress func(FetchProgress)
	// Done, where set, is called when the blob is complete.
	Done func(FetchProgress)
}

// FetchProgress is how far a blob has come.
type FetchProgress struct {
	Size, Have int64 // in bytes; Size is 0 while it is not known
	Peers      int   // that are connected
	// FromPeers are the bytes that did not come from coordinators.
	FromPeers, FromCoordinators int64
	// Received are all bytes of pieces that came, New those that were missing.
	Received, New int64
	// Refused are the peers that were caught sending wrong bytes.
	Refused int
}

// FetchBlob gets a blob from whoever has it, and serves it meanwhile to others
// who want it. An interrupted FetchBlob to the same Path goes on where it was.
func (g *Grid) FetchBlob(ctx context.Context, name string, opts FetchOptions) (err error) {
	id, err := blob.ParseID(name)
	if err != nil {
		return problem.Invalid("anthill put and serve print the id, anthill blobs lists those that are kept: 64 hex digits", "get %.100q: %w", name, err)
	}
	if _, err := os.Lstat(opts.Path); opts.Unpack && err == nil {
		return problem.Invalid("choose a directory that is not there yet", "get %s: %s exists", id.Short(), opts.Path)
	}
	dir, err := roomFor(opts.Path)
	if err != nil {
		return fmt.Errorf("get %s: %w", id.Short(), err)
	}
	done := false
	defer func() {
		if done || opts.Path == "" {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	var tamper func([]byte)
	if opts.Garbage {
		tamper = func(data []byte) { data[len(data)/2] ^= 1 }
	}
	p, err := g.openPeer(dir, tamper)
	if err != nil {
		return fmt.Errorf("get %s: %w", id.Short(), err)
	}
	defer func() { err = errors.Join(err, p.close()) }()
	p.store.Pin(id)
	defer p.store.Unpin(id)
	if err := p.watch(ctx, id, opts); err != nil {
		if _, unknown := p.store.Manifest(id); unknown != nil {
			done = true // nothing has come that could be gone on with
		}
		if errors.Is(err, swarm.ErrUnavailable) {
			return problem.NotFound("check the id: anthill blobs lists what the grid keeps; what was served is there only while anthill serve runs", "get: %w", err)
		}
		return err
	}
	if opts.Path != "" {
		put := place
		if opts.Unpack {
			put = placeTree
		}
		if err := put(p, id, opts.Path); err != nil {
			return fmt.Errorf("get %s: %w", id.Short(), err)
		}
	}
	done = true
	if opts.Done != nil {
		opts.Done(p.progress(id))
	}
	if !opts.Serve {
		return nil
	}
	if err := p.serve(ctx, id, func() {}); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// roomFor is the directory in which a blob is put together.
func roomFor(path string) (string, error) {
	if path == "" {
		return os.MkdirTemp("", "anthill-get-")
	}
	dir := path + ".part"
	return dir, os.MkdirAll(dir, 0o700)
}

// watch fetches a blob and tells of the progress.
func (p *peer) watch(ctx context.Context, id blob.ID, opts FetchOptions) error {
	fetched := make(chan error, 1)
	go func() {
		if opts.Path == "" {
			fetched <- p.stream(ctx, id, opts.Stream)
			return
		}
		_, err := p.swarm.Fetch(ctx, id, 0, -1, p.grid.coordinators())
		fetched <- err
	}()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case err := <-fetched:
			return err
		case <-ticker.C:
			if opts.Progress != nil {
				opts.Progress(p.progress(id))
			}
		}
	}
}

func (p *peer) progress(id blob.ID) FetchProgress {
	now := p.swarm.Progress(id)
	f := FetchProgress{Size: now.Size, Have: now.Have, Peers: now.Peers, Received: now.Received, New: now.New, Refused: now.Refused}
	for role, n := range now.From {
		if role == jobs.Coordinator {
			f.FromCoordinators += n
		} else {
			f.FromPeers += n
		}
	}
	return f
}

// readAhead is how many pieces are fetched before they are written.
const readAhead = 16

// stream writes a blob in order while it loads.
func (p *peer) stream(ctx context.Context, id blob.ID, w io.Writer) error {
	if _, err := p.swarm.Fetch(ctx, id, 0, 0, p.grid.coordinators()); err != nil {
		return err
	}
	m, err := p.store.Manifest(id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ahead := make(chan chan error, readAhead)
	go func() {
		defer close(ahead)
		for i := range m.Pieces {
			arrived := make(chan error, 1)
			select {
			case ahead <- arrived:
			case <-ctx.Done():
				return
			}
			go func() {
				_, err := p.swarm.Fetch(ctx, id, m.PieceOffset(i), m.PieceLen(i), nil)
				arrived <- err
			}()
		}
	}()
	for i := range m.Pieces {
		arrived, ok := <-ahead
		if !ok {
			return ctx.Err()
		}
		if err := <-arrived; err != nil {
			return err
		}
		data, err := p.store.ReadPiece(id, i)
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("write blob %s: %w", id.Short(), err)
		}
	}
	return nil
}

// place gives a complete blob its name, as a second name of the stored file
// where the system can do that.
func place(p *peer, id blob.ID, path string) error {
	from, err := p.store.Path(id)
	if err != nil {
		return err
	}
	temp := path + ".part/complete"
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if os.Link(from, temp) != nil {
		if err := copyFile(from, temp); err != nil {
			return err
		}
	}
	if err := os.Chmod(temp, 0o644); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

// placeTree gives the directory of an archive its name.
func placeTree(p *peer, id blob.ID, path string) error {
	from, err := p.store.Path(id)
	if err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	temp := path + ".part/tree"
	if err := os.RemoveAll(temp); err != nil {
		return errors.Join(err, in.Close())
	}
	err = unpack(in, temp)
	if errors.Is(err, errNotArchive) {
		err = problem.Invalid("leave the / at the end of -o away: it is a file", "%w", err)
	}
	if err := errors.Join(err, in.Close()); err != nil {
		return err
	}
	return os.Rename(temp, path)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
