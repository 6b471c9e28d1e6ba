package rescue

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// Directory is the data directory of a coordinator that does not run.
type Directory struct {
	*replica.Offline
	Identity *identity.Directory

	path string
	lock io.Closer
}

// Open locks and reads a coordinator's data directory.
func Open(path string) (*Directory, error) {
	d := &Directory{path: path}
	if err := d.open(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *Directory) open() (err error) {
	if d.Identity, err = identity.Load(d.path); err != nil {
		return err
	}
	if role := d.Identity.Identity.Role; role != jobs.Coordinator {
		return problem.Invalid("name the --data of a coordinator", "open %s: it belongs to a %v", d.path, role)
	}
	if d.lock, err = node.Lock(d.path); err != nil {
		return err
	}
	self := d.Identity.Identity.Node()
	cfg := replica.Config{Node: self, Address: "127.0.0.1:0", Dir: filepath.Join(d.path, "raft")}
	if d.Offline, err = replica.OpenOffline(cfg); err != nil {
		return err
	}
	for _, v := range d.Voters {
		if v.Node != self {
			continue
		}
		// Now it is known where the voter was reached: it says so of itself again.
		cfg.Address = v.Address
		if err := d.Offline.Close(); err != nil {
			return err
		}
		d.Offline, err = replica.OpenOffline(cfg)
		return err
	}
	return nil
}

// Close lets go of the directory.
func (d *Directory) Close() error {
	var errs []error
	if d.Offline != nil {
		errs = append(errs, d.Offline.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// Gone are the other coordinators of the grid, as the state has them.
func (d *Directory) Gone() (list []jobs.NodeID) { return others(d.State, d.Identity.Identity.Node()) }

func others(s *jobs.State, self jobs.NodeID) (list []jobs.NodeID) {
	for id, n := range s.Nodes {
		if n.Role == jobs.Coordinator && n.Ended == nil && id != self {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	return list
}

// Recover makes this coordinator the only voter. The others are dismissed when it starts.
func (d *Directory) Recover() error {
	if err := d.Offline.Recover(); err != nil {
		return err
	}
	return leaveWord(d.path, d.Gone())
}

// Store opens the blobs.
func (d *Directory) Store() (*blobstore.Store, error) {
	store, err := blobstore.Open(blobstore.Config{Dir: filepath.Join(d.path, "blobs")})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", d.path, err)
	}
	return store, nil
}
