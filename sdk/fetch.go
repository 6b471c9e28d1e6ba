package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// FetchOptions say what to do with a blob.
type FetchOptions struct {
	// Path is the file to write; what has arrived of it is kept beside it, in
	// Path.part, until it is complete. Empty: the blob is written to Stream.
	Path string
	// Unpack makes Path the directory that was put, once all of it has arrived.
	// Path must not be there yet.
	Unpack bool
	// Stream gets the blob in order, while it loads.
	Stream io.Writer
	// Serve goes on serving it to others, after Done, until ctx ends.
	Serve bool
	// Garbage makes it serve wrong bytes, to try out whether others notice.
	Garbage bool
	// Progress, where set, is called several times a second.
	Progress func(FetchProgress)
	// Done, where set, is called when the blob is complete.
	Done func(FetchProgress)
}

// FetchProgress is how much of a blob has arrived; sizes are in bytes.
type FetchProgress struct {
	Size, Have int64 // Size is 0 while it is not known
	Peers      int   // that are connected
	// FromPeers counts what did not come from coordinators, and FromWorkers what
	// workers sent of that: the rest came from clients.
	FromPeers, FromWorkers, FromCoordinators int64
	// Received counts all bytes of pieces that came, New those that were missing.
	Received, New int64
	// Refused counts the peers that were caught sending wrong bytes.
	Refused int
}

// FetchBlob gets a blob from all that have it, by its id, with or without "blob:"
// before it, and serves it meanwhile to others. Repeated after an interruption
// with the same Path, it goes on where it was. It is an error of kind ErrInvalid
// if the name is no id or Path cannot be written, and of kind ErrNotFound if
// nobody sends the blob for Config.Patience.
func (g *Grid) FetchBlob(ctx context.Context, name string, opts FetchOptions) (err error) {
	id, err := parseBlob("get", name)
	if err != nil {
		return err
	}
	if err := opts.check(); err != nil {
		return fmt.Errorf("get %s: %w", id.Short(), err)
	}
	f := &fetch{id: id, opts: opts}
	dir, leave, err := f.room()
	if err != nil {
		return fmt.Errorf("get %s: %w", id.Short(), err)
	}
	defer func() { err = errors.Join(err, leave()) }()
	if f.peer, err = g.openPeer(dir, opts.tamper()); err != nil {
		return fmt.Errorf("get %s: %w", id.Short(), err)
	}
	defer func() { err = errors.Join(err, f.peer.close()) }()
	f.peer.sharing = likeOthers
	f.peer.store.Pin(id)
	defer f.peer.store.Unpin(id)
	return f.run(ctx)
}

// check refuses what could not be written, before anything is fetched for it.
func (o FetchOptions) check() error {
	if o.Unpack {
		if _, err := os.Lstat(o.Path); !errors.Is(err, os.ErrNotExist) {
			return problem.Invalid("choose a directory that is not there yet", "%s exists", o.Path)
		}
		return nil
	}
	info, err := os.Stat(o.Path)
	switch {
	case err != nil:
		return nil // it is not there; if it cannot be, that is told when it is made
	case info.IsDir():
		return problem.Invalid("name a file; what was put as a directory goes to DIR/, which must not be there yet", "%s is a directory", o.Path)
	case !info.Mode().IsRegular():
		return problem.Invalid("open it, and pass it as FetchOptions.Stream", "%s is not a file, and would be replaced by one", o.Path)
	}
	return nil
}

func (o FetchOptions) tamper() func([]byte) {
	if !o.Garbage {
		return nil
	}
	return func(data []byte) { data[len(data)/2] ^= 1 }
}

// fetch is one FetchBlob.
type fetch struct {
	peer *peer
	id   blob.ID
	opts FetchOptions
	done bool // nothing is left that a repeated FetchBlob could go on with
}

// room is the directory in which the blob is put together.
func (f *fetch) room() (dir string, leave func() error, err error) {
	if f.opts.Path == "" {
		temporary, err := newScratch("get")
		if err != nil {
			return "", nil, err
		}
		return temporary.store(), temporary.remove, nil
	}
	beside, err := openParts(f.opts.Path + ".part")
	if err != nil {
		return "", nil, err
	}
	return beside.dir, func() error {
		if f.done {
			return beside.remove()
		}
		return beside.close()
	}, nil
}

func (f *fetch) run(ctx context.Context) error {
	if err := f.peer.watch(ctx, f.id, f.opts); err != nil {
		if _, have, unknown := f.peer.store.Have(f.id); unknown != nil || have.Count() == 0 {
			f.done = true
		}
		return f.explain(ctx, err)
	}
	if err := f.place(); err != nil {
		return fmt.Errorf("get %s: %w", f.id.Short(), err)
	}
	f.done = true
	if f.opts.Done != nil {
		f.opts.Done(f.peer.progress(f.id))
	}
	if !f.opts.Serve {
		return nil
	}
	if err := f.peer.serve(ctx, f.id, func() {}); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (f *fetch) place() error {
	switch {
	case f.opts.Path == "":
		return nil
	case f.opts.Unpack:
		return placeTree(f.peer, f.id, f.opts.Path)
	}
	return place(f.peer, f.id, f.opts.Path)
}

// explain distinguishes a blob that nobody has from a grid that cannot be asked
// about it: then the id may be right.
func (f *fetch) explain(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, blobstore.ErrFull) && f.opts.Path == "":
		return tooFull(spaceForScratch, fmt.Errorf("get %s: %w", f.id.Short(), err))
	case errors.Is(err, blobstore.ErrFull):
		return tooFull(spaceForFile, fmt.Errorf("get %s: %w", f.id.Short(), err))
	case !errors.Is(err, swarm.ErrUnavailable):
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if _, _, silent := f.peer.find(ctx, f.id); retryable(silent) {
		return f.peer.grid.unavailable("get blob "+f.id.Short(), silent)
	}
	return problem.NotFound("check the id: anthill blobs lists what the grid keeps; what was served is there only while anthill serve runs", "get: %w", err)
}

// watch fetches a blob and reports the progress.
func (p *peer) watch(ctx context.Context, id blob.ID, opts FetchOptions) error {
	fetched := make(chan error, 1)
	go func() { fetched <- p.bring(ctx, id, opts) }()
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

// bring fetches a blob if there is room for it.
func (p *peer) bring(ctx context.Context, id blob.ID, opts FetchOptions) error {
	if _, err := p.swarm.Fetch(ctx, id, 0, 0, p.grid.coordinators()); err != nil {
		return err
	}
	if err := p.fits(id, opts.Unpack); err != nil {
		return err
	}
	if opts.Path == "" {
		return p.stream(ctx, id, opts.Stream)
	}
	_, err := p.swarm.Fetch(ctx, id, 0, -1, p.grid.coordinators())
	return err
}

func (p *peer) progress(id blob.ID) FetchProgress {
	now := p.swarm.Progress(id)
	f := FetchProgress{Size: now.Size, Have: now.Have, Peers: now.Peers, Received: now.Received, New: now.New, Refused: now.Refused}
	for role, n := range now.From {
		switch role {
		case jobs.Coordinator:
			f.FromCoordinators += n
		case jobs.Worker:
			f.FromWorkers += n
			f.FromPeers += n
		default:
			f.FromPeers += n
		}
	}
	return f
}
