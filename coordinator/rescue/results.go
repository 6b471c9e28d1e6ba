package rescue

import (
	"errors"
	"fmt"
	"io"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
)

// Result is one that was accepted.
type Result struct {
	Task jobs.Index
	// Missing: its bytes are not here.
	Missing bool
	// Copy writes its bytes, each checked by its hash.
	Copy func(w io.Writer) error
}

// Results hands out a job's results in the order of their acceptance.
func (d *Directory) Results(id jobs.JobID, each func(Result) error) (err error) {
	store, err := d.Store()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	j := d.State.Jobs[id]
	for seq := range j.Order {
		if !j.Current(jobs.Sequence(seq)) {
			continue
		}
		place := j.Order[seq]
		output := j.Closed[place].Output
		r := Result{
			Task: j.TaskAt(place), Missing: output.Size > 0 && !store.Complete(output.ID),
			Copy: func(w io.Writer) error { return copyBlob(w, store, output) },
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

func copyBlob(w io.Writer, store *blobstore.Store, ref blob.Ref) error {
	if ref.Size == 0 {
		return nil
	}
	if err := store.CopyTo(w, ref.ID); err != nil {
		return fmt.Errorf("read %s: %w", ref.ID.Short(), err)
	}
	return nil
}
