package sdk

import (
	"errors"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/problem"
)

const (
	spaceForScratch = "free some space there, or set TMPDIR to a directory on a disk that has more"
	spaceForFile    = "free some space there, or choose a file or directory on another disk"
)

// fits refuses a blob if the disk has no room for what is missing of it and, if it
// is to be unpacked, for its files too. That is better known before hours of
// fetching.
func (p *peer) fits(id blob.ID, unpack bool) error {
	m, have, err := p.store.Have(id)
	if err != nil {
		return err
	}
	var lacking int64
	for i := range m.Pieces {
		if !have.Has(i) {
			lacking += m.PieceLen(i)
		}
	}
	if unpack {
		lacking += m.Size
	}
	return p.store.Room(lacking, 0)
}

// tooFull adds what to do if the disk is full, and passes other errors on.
func tooFull(next string, err error) error {
	if !errors.Is(err, blobstore.ErrFull) {
		return err
	}
	return &problem.Problem{Message: err.Error(), Next: next, Cause: err}
}
