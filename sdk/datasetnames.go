package sdk

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// blobPrefix is how a job file names a dataset, a blob that the grid keeps, in
// place of a path.
const blobPrefix = "blob:"

// idNext says where ids come from.
const idNext = "an id has 64 hex digits: anthill put and anthill serve print it, and anthill blobs lists those that the grid keeps"

// datasetNamed is the dataset that a path names, if it names one.
func datasetNamed(path string) (id blob.ID, is bool, err error) {
	name, is := strings.CutPrefix(path, blobPrefix)
	if !is {
		return blob.ID{}, false, nil
	}
	id, err = blob.ParseID(name)
	return id, true, err
}

// parseBlob reads the id of a blob as people copy it: bare, or as job files name it.
func parseBlob(what, name string) (blob.ID, error) {
	id, err := blob.ParseID(strings.TrimPrefix(name, blobPrefix))
	if err != nil {
		return id, problem.Invalid(idNext, "%s %.100q: %w", what, name, err)
	}
	return id, nil
}

// source stores a file that a field names, or notes the dataset that it names,
// whose size only the grid knows.
func (p *Prepared) source(ctx context.Context, field, path string) (blob.Ref, error) {
	id, is, err := datasetNamed(path)
	switch {
	case err != nil:
		return blob.Ref{}, p.file.wrong(field, idNext, "%w", err)
	case !is:
		return p.importFile(ctx, field, path)
	}
	p.datasets = append(p.datasets, id)
	return blob.Ref{ID: id}, nil
}

// resolve asks the grid for the sizes of the datasets. It refuses those of which
// no coordinator has a copy: the job would wait for bytes that may never come, and
// the size is only what somebody says.
func (p *Prepared) resolve(ctx context.Context, g *Grid) error {
	if err := p.resolveRuntime(ctx, g); err != nil {
		return err
	}
	for _, id := range p.datasets {
		b, err := g.blob(ctx, id)
		if errors.Is(err, problem.ErrNotFound) {
			return problem.NotFound("put it first: anthill put FILE", "job %s: %w", p.spec.Name, err)
		}
		if err != nil {
			return err
		}
		if err := p.unheld(b); err != nil {
			return err
		}
		p.measured(blob.Ref{ID: id, Size: b.GetRef().GetSize()})
	}
	return p.check()
}

// measured notes how large a blob is wherever the job names it.
func (p *Prepared) measured(ref blob.Ref) {
	var named []*blob.Ref
	if in := p.spec.Input.Blob; in != nil {
		named = append(named, &in.Blob)
	}
	for i := range p.spec.Data {
		named = append(named, &p.spec.Data[i].Blob)
	}
	for _, r := range named {
		if r.ID == ref.ID {
			p.size += ref.Size - r.Size
			r.Size = ref.Size
		}
	}
}

// unheld refuses a blob of which there is no copy. One is enough: coordinators make
// more for the job as they do of any input.
func (p *Prepared) unheld(b *anthillv1.Blob) error {
	if b.GetCopies() > 0 {
		return nil
	}
	return &problem.Problem{
		Kind:    problem.ErrRefused,
		Message: fmt.Sprintf("job %s: blob %s: the grid has 0 of %d copies so far", p.spec.Name, b.GetId(), b.GetCopiesNeeded()),
		Next:    "run anthill put again, and keep it running until it says that you can disconnect",
	}
}
