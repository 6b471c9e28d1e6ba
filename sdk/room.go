package sdk

import (
	"errors"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/problem"
)

const (
	roomForScratch = "free some space there, or set TMPDIR to a directory on a disk that has more"
	roomForFile    = "free some space there, or choose a file or directory on another disk"
)

// fits tells whether the disk has room for what is missing of a blob and, where it is to
// be unpacked, for that, too. It is better to know before hours of fetching.
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

// tooFull says what to do about a disk that is full, and passes on other errors.
func tooFull(next string, err error) error {
	if !errors.Is(err, blobstore.ErrFull) {
		return err
	}
	return &problem.Problem{Message: err.Error(), Next: next, Cause: err}
}
