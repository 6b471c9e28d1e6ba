package rescue

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// Restore makes a coordinator's data directory from a backup: a new node, the only voter,
// that serves at address (HOST:PORT).
func Restore(path, dir, address string) (_ About, err error) {
	if err := checkEmpty(dir); err != nil {
		return About{}, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return About{}, problem.Invalid("give --listen HOST:PORT", "restore: %w", err)
	}
	b, err := Read(path) // all of it, before anything is made
	if err != nil {
		return About{}, err
	}
	lock, err := node.Lock(dir)
	if err != nil {
		return About{}, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := unpackBlobs(path, filepath.Join(dir, "blobs")); err != nil {
		return About{}, fmt.Errorf("restore %s: %w", path, err)
	}
	self, err := settle(b.Authorities, dir, host, address)
	if err != nil {
		return About{}, fmt.Errorf("restore %s: %w", path, err)
	}
	cfg := replica.Config{Node: self, Address: address, Dir: filepath.Join(dir, "raft")}
	if err := replica.Seed(cfg, b.State); err != nil {
		return About{}, fmt.Errorf("restore %s: %w", path, err)
	}
	return b.About, leaveWord(dir, others(b.State, self))
}

// checkEmpty refuses a directory that something is in.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("restore: %w", err)
	}
	if len(entries) > 0 {
		return problem.Invalid("give --data a directory that is empty, or not there", "restore into %s: it has %s", dir, entries[0].Name())
	}
	return nil
}

// settle makes the identity of a new coordinator.
func settle(list *identity.Authorities, dir, host, address string) (jobs.NodeID, error) {
	a := list.All()[0]
	key, err := identity.OpenKey(dir)
	if err != nil {
		return "", err
	}
	der, err := a.Issue(key.Public(), jobs.Coordinator, []string{host})
	if err != nil {
		return "", err
	}
	id, err := identity.New(key, der, a.Certificate())
	if err != nil {
		return "", err
	}
	d := &identity.Directory{Identity: id, Owner: string(jobs.OperatorOwner), Coordinators: []string{address}, Authorities: list}
	if err := id.Trust(list.Certificates()); err != nil {
		return "", err
	}
	if err := d.RenewSelf(address); err != nil {
		return "", err
	}
	return id.Node(), d.Save(dir)
}

// unpackBlobs reads the backup again for its blobs. Each must have the content that its
// name says.
func unpackBlobs(path, dir string) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	store, err := blobstore.Open(blobstore.Config{Dir: dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	_, err = read(file, func(name string, data io.Reader) error {
		want, err := blob.ParseID(name)
		if err != nil {
			return err
		}
		got, err := store.Import(data)
		if err == nil && got.ID != want {
			err = fmt.Errorf("blob %s has other content", name)
		}
		return err
	})
	return err
}
