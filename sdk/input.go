package sdk

import (
	"context"
	"errors"
	"fmt"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// readInput stores the input and sets the number of tasks.
func (p *Prepared) readInput(ctx context.Context, file *JobFile) error {
	in := file.Input
	switch {
	case in.Range != nil:
		return p.readRange(in.Range)
	case in.Items != nil:
		return p.readItems(ctx, file)
	case in.Files != nil:
		return p.readFiles(ctx, file)
	case in.Split.Lines > 0:
		return p.readLines(ctx, file)
	}
	return p.readSized(ctx, file)
}

func (p *Prepared) readRange(r *Range) error {
	p.tasks = int(r.tasks())
	p.spec.Input = &anthillv1.Input{Source: &anthillv1.Input_Range{
		Range: &anthillv1.RangeInput{From: r.From, To: r.To, Step: r.Step},
	}}
	return nil
}

func (p *Prepared) readItems(ctx context.Context, file *JobFile) error {
	list, err := newItemList(file.Input.Items)
	if err != nil {
		return file.wrong("input.items", "give values that JSON can write", "%w", err)
	}
	return p.readShards(ctx, file, "input.items", list)
}

func (p *Prepared) readFiles(ctx context.Context, file *JobFile) error {
	paths, err := file.expand(file.Input.Files)
	if err != nil {
		return err
	}
	files := &packer{paths: paths, limit: int64(file.Input.Pack)}
	err = p.readShards(ctx, file, "input.files", files)
	return errors.Join(err, files.close())
}

func (p *Prepared) readLines(ctx context.Context, file *JobFile) error {
	split := file.Input.Split
	in, err := openInput(file, "input.split.file", split.File)
	if err != nil {
		return err
	}
	defer in.Close()
	return p.readShards(ctx, file, "input.split.file", &lineSplitter{in: in, lines: split.Lines})
}

// readShards stores a stream, and the index that says where its tasks begin.
func (p *Prepared) readShards(ctx context.Context, file *JobFile, field string, s shards) error {
	data, err := p.importStream(ctx, s)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", file.label(), field, err)
	}
	offsets := s.offsets()
	if p.tasks = len(offsets) - 1; p.tasks == 0 {
		return file.noTasks(field)
	}
	ref, err := p.store.Put(encodeIndex(offsets))
	if err != nil {
		return fmt.Errorf("store index of the input: %w", err)
	}
	p.spec.Input = &anthillv1.Input{Source: &anthillv1.Input_Blob{
		Blob: &anthillv1.BlobInput{Blob: data, Index: p.added(ref)},
	}}
	return nil
}

// readSized stores a file whose tasks are runs of equal size.
func (p *Prepared) readSized(ctx context.Context, file *JobFile) error {
	split := file.Input.Split
	data, err := p.source(ctx, file, "input.split.file", split.File)
	if err != nil {
		return err
	}
	if data.GetSize() == 0 && len(p.kept) == 0 {
		return file.noTasks("input.split.file")
	}
	p.tasks = tasksOf(data.GetSize(), int64(split.Size))
	p.spec.Input = &anthillv1.Input{Source: &anthillv1.Input_Blob{
		Blob: &anthillv1.BlobInput{Blob: data, ShardSize: int64(split.Size)},
	}}
	return nil
}

func (f *JobFile) noTasks(field string) error {
	return f.wrong(field, "give it something to read", "there are no tasks: the input is empty")
}
