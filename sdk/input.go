package sdk

import (
	"context"
	"errors"
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/pick"
	"github.com/anthill-grid/anthill/jobs"
)

// readInput stores the input, and its labels.
func (p *Prepared) readInput(ctx context.Context) error {
	if err := p.readSource(ctx); err != nil {
		return err
	}
	return p.storeLabels()
}

// storeLabels stores what the tasks read in words. A range needs none.
func (p *Prepared) storeLabels() error {
	if p.spec.Input.Blob == nil {
		return nil
	}
	text, err := p.labels.encode()
	if err != nil {
		return err
	}
	ref, err := p.store.Put(text)
	if err != nil {
		return fmt.Errorf("store labels of the input: %w", err)
	}
	p.spec.Input.Blob.Labels = &ref
	return nil
}

func (p *Prepared) readSource(ctx context.Context) error {
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
	p.labels.tasks = list.labels()
	return p.readShards(ctx, "input.items", list)
}

func (p *Prepared) readFiles(ctx context.Context) error {
	in := p.file.Input
	paths, notices, err := pick.Config{Resolve: p.file.Resolve, Follow: in.FollowLinks}.Files(in.Files)
	if err != nil {
		return p.file.unread("input.files", err)
	}
	if err := p.file.checkAllInside("input.files", paths); err != nil {
		return err
	}
	p.notices = append(p.notices, notices...)
	files := &packer{paths: paths, limit: int64(in.Pack)}
	if files.limit == 0 {
		if err := p.file.checkTasks("input.files", int64(len(paths))); err != nil {
			return err
		}
	}
	err = errors.Join(p.readShards(ctx, "input.files", files), files.close())
	for _, group := range files.groups {
		p.labels.tasks = append(p.labels.tasks, taskLabel{Files: p.labelNames(group)})
	}
	return err
}

func (p *Prepared) readLines(ctx context.Context) error {
	split := p.file.Input.Split
	in, err := p.open("input.split.file", split.File)
	if err != nil {
		return err
	}
	defer in.Close()
	p.labels.File, p.labels.Lines = p.file.labelName(p.file.Resolve(split.File)), split.Lines
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
	p.labels.File, p.labels.Bytes = split.File, int64(split.Size)
	if _, is, _ := datasetNamed(split.File); !is {
		p.labels.File = p.file.labelName(p.file.Resolve(split.File))
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
