package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/steady"
)

// ServeFile serves a file to the members of the grid until ctx ends, and returns
// the context's error. Began is called with the blob's id and its size in bytes
// once others can find it. It is an error of kind ErrInvalid if the file cannot
// be read.
func (g *Grid) ServeFile(ctx context.Context, path string, began func(id string, size int64)) (err error) {
	dir, err := newScratch("serve")
	if err != nil {
		return fmt.Errorf("serve %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, dir.remove()) }()
	p, err := g.openPeer(dir.store(), nil)
	if err != nil {
		return fmt.Errorf("serve %s: %w", path, err)
	}
	defer func() { err = errors.Join(err, p.close()) }()
	p.sharing = withEverybody
	file, err := steady.Open(path)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	ref, err := p.importStream(ctx, file, file.Size())
	if err := errors.Join(err, file.Close()); err != nil {
		return tooFull(spaceForScratch, reading("serve", path, err))
	}
	return p.serve(ctx, ref.ID, func() { began(ref.ID.String(), ref.Size) })
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
