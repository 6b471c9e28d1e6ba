package sdk

import (
	"context"
	"errors"
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/pick"
	"github.com/anthill-grid/anthill/jobs"
)

// readInput stores the input.
func (p *Prepared) readInput(ctx context.Context) error {
	in := p.file.Input
	switch {
	case in.Range != nil:
		r := jobs.Range(*in.Range)
		p.spec.Input.Range = &r
		return nil
	case in.Items != nil:
		return p.readItems(ctx)
	case in.Files != nil:
		return p.readFiles(ctx)
	case in.Split.Lines > 0:
		return p.readLines(ctx)
	}
	return p.readSized(ctx)
}

func (p *Prepared) readItems(ctx context.Context) error {
	list, err := newItemList(p.file.Input.Items)
	if err != nil {
		return p.file.wrong("input.items", "give values that JSON can write", "%w", err)
	}
	return p.readShards(ctx, "input.items", list)
}

func (p *Prepared) readFiles(ctx context.Context) error {
	in := p.file.Input
	paths, notices, err := pick.Config{Resolve: p.file.Resolve, Follow: in.FollowLinks}.Files(in.Files)
	if err != nil {
		return p.file.unread("input.files", err)
	}
	p.notices = append(p.notices, notices...)
	files := &packer{paths: paths, limit: int64(in.Pack)}
	if files.limit == 0 {
		if err := p.file.checkTasks("input.files", int64(len(paths))); err != nil {
			return err
		}
	}
	err = p.readShards(ctx, "input.files", files)
	return errors.Join(err, files.close())
}

func (p *Prepared) readLines(ctx context.Context) error {
	split := p.file.Input.Split
	in, err := p.open("input.split.file", split.File)
	if err != nil {
		return err
	}
	defer in.Close()
	return p.readShards(ctx, "input.split.file", &lineSplitter{in: in, lines: split.Lines})
}

// readShards stores a stream, and the index that says where its tasks begin.
func (p *Prepared) readShards(ctx context.Context, field string, s shards) error {
	data, err := p.importStream(ctx, s)
	if err != nil {
		return p.file.unread(field, err)
	}
	offsets := s.offsets()
	if len(offsets) == 1 {
		return p.file.noTasks(field)
	}
	if err := p.file.checkTasks("input", int64(len(offsets)-1)); err != nil {
		return err
	}
	ref, err := p.store.Put(encodeIndex(offsets))
	if err != nil {
		return fmt.Errorf("store index of the input: %w", err)
	}
	index := p.added(ref)
	p.spec.Input.Blob = &jobs.BlobInput{Blob: data, Index: &index}
	return nil
}

// readSized stores a file whose tasks are runs of equal size.
func (p *Prepared) readSized(ctx context.Context) error {
	split := p.file.Input.Split
	if err := p.file.checkSized(split); err != nil {
		return err
	}
	data, err := p.source(ctx, "input.split.file", split.File)
	p.spec.Input.Blob = &jobs.BlobInput{Blob: data, ShardSize: int64(split.Size)}
	return err
}

// checkSized counts the tasks before the file is read. The size of a dataset only
// the grid knows.
func (f *JobFile) checkSized(split *Split) error {
	if _, is, err := datasetNamed(split.File); is || err != nil {
		return err
	}
	size, err := f.measure("input.split.file", split.File)
	if err != nil {
		return err
	}
	if size == 0 {
		return f.noTasks("input.split.file")
	}
	in := jobs.Input{Blob: &jobs.BlobInput{Blob: blob.Ref{Size: size}, ShardSize: int64(split.Size)}}
	return f.checkTasks("input.split.size", in.Tasks())
}

func (f *JobFile) noTasks(field string) error {
	return f.wrong(field, "give it something to read", "there are no tasks: the input is empty")
}
