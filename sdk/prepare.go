package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/pick"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/steady"
	"github.com/anthill-grid/anthill/jobs"
)

// Prepared is a job that is ready to be submitted: its bundle has been
// screened, and all that it needs lies in a blob store in a temporary
// directory.
type Prepared struct {
	file  *JobFile
	spec  jobs.Spec
	size  int64
	dir   *scratch
	store *blobstore.Store
	// datasets are the blobs that the job file names as such; their sizes are 0
	// until resolve.
	datasets []blob.ID
	notices  []pick.Notice
	labels   labels
}

// Prepare checks a job and reads the bundle, the input and the data files that
// it names. It needs no grid. Close it, unless SubmitPrepared took it over. It is
// an error of kind ErrInvalid if the grid would refuse the job: what can be
// known before the input is read is said before.
func Prepare(ctx context.Context, file *JobFile) (*Prepared, error) {
	if err := file.Check(); err != nil {
		return nil, err
	}
	p, err := newPrepared(file, jobs.Spec{})
	if err != nil {
		return nil, err
	}
	if p.file, err = file.Plain(p.dir.dir); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if p.spec, err = p.file.Terms(); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	if err := p.read(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// newPrepared has read nothing yet.
func newPrepared(file *JobFile, spec jobs.Spec) (*Prepared, error) {
	dir, err := newScratch("submit")
	if err != nil {
		return nil, fmt.Errorf("prepare job: %w", err)
	}
	store, err := blobstore.Open(blobstore.Config{Dir: dir.store()})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare job: %w", err), dir.remove())
	}
	return &Prepared{dir: dir, store: store, file: file, spec: spec}, nil
}

// Tasks is how many tasks the job has; 0 if that depends on a blob that the grid
// keeps, until the job was submitted.
func (p *Prepared) Tasks() int { return int(p.spec.Input.Tasks()) }

// RetryOf is the job of which it runs what lacks; empty if it is no retry.
func (p *Prepared) RetryOf() string { return string(p.spec.RetryOf) }

// Size is how many bytes the bundle, the input and the data files have together.
func (p *Prepared) Size() int64 { return p.size }

// Notices are about the files that the input and the data name: what was left out, and
// what was taken from where a link leads.
func (p *Prepared) Notices() []Notice {
	notices := make([]Notice, len(p.notices))
	for i, n := range p.notices {
		notices[i] = Notice(n)
	}
	return notices
}

// Shard is what task i reads on stdin.
func (p *Prepared) Shard(i int) ([]byte, error) {
	shard, err := p.spec.Input.Shard(jobs.Index(i), p.readRange)
	if err != nil {
		return nil, fmt.Errorf("read shard of task %d: %w", i, err)
	}
	if shard.Size == 0 {
		return []byte(shard.Line), nil
	}
	return p.readRange(shard.Blob, shard.Off, shard.Size)
}

func (p *Prepared) readRange(ref blob.Ref, off, n int64) ([]byte, error) {
	return p.store.ReadRange(ref.ID, off, n)
}

// Close removes the temporary directory.
func (p *Prepared) Close() error {
	return errors.Join(p.store.Close(), p.dir.remove())
}

func (p *Prepared) read(ctx context.Context) error {
	if err := p.file.checkDataFiles(); err != nil {
		return err
	}
	if err := p.readBundle(ctx); err != nil {
		return err
	}
	if err := p.readInput(ctx); err != nil {
		return err
	}
	for i := range p.spec.Data {
		d := &p.spec.Data[i]
		var err error
		if d.Blob, err = p.source(ctx, "data."+d.Name, p.file.Data[d.Name]); err != nil {
			return err
		}
	}
	if len(p.datasets) > 0 || p.file.fromGrid() {
		return nil // resolve checks what depends on what the grid has
	}
	return p.check()
}

// check refuses what the grid would refuse.
func (p *Prepared) check() error {
	if r := p.spec.WithDefaults().Validate(); r != nil {
		return p.file.rejected(r)
	}
	return nil
}

func (p *Prepared) readBundle(ctx context.Context) error {
	if p.file.fromGrid() {
		return nil
	}
	in, err := p.file.open("bundle", p.file.Bundle)
	if err != nil {
		return err
	}
	defer in.Close()
	// One byte too many is read to let the screen say so.
	module, err := io.ReadAll(io.LimitReader(cancellable{ctx, in}, screen.MaxSize+1))
	if err != nil {
		return p.file.unread("bundle", err)
	}
	if err := p.screen(module); err != nil {
		return err
	}
	ref, err := p.store.Put(module)
	if err != nil {
		return fmt.Errorf("store bundle: %w", err)
	}
	p.spec.Bundle = p.added(ref)
	return ctx.Err()
}

// screening is what the job says of its module. The memory limit is the grid's
// default if the job has none.
func (p *Prepared) screening() screen.Options {
	spec := p.spec.WithDefaults()
	return screen.Options{Memory: spec.Limits.Memory, TrapUnknown: spec.UnknownImports == jobs.TrapUnknown}
}

// screen refuses a module that the grid would refuse.
func (p *Prepared) screen(bundle []byte) error {
	f := p.file
	err := screen.Check(bundle, p.screening())
	var refused *refusal.Error
	if errors.As(err, &refused) {
		return f.wrong("bundle", refused.Next, "%s: %s", f.Bundle, refused.Found)
	}
	if err != nil {
		return f.wrong("bundle", "build it as a WASI preview1 command", "%s: %w", f.Bundle, err)
	}
	return nil
}

// importFile stores a file that a field names.
func (p *Prepared) importFile(ctx context.Context, field, path string) (blob.Ref, error) {
	in, err := p.open(field, path)
	if err != nil {
		return blob.Ref{}, err
	}
	defer in.Close()
	ref, err := p.importStream(ctx, in)
	if err != nil {
		return blob.Ref{}, p.file.unread(field, err)
	}
	return ref, nil
}

// unread is an error while something was read that a field names. If it is about a file
// it names that, and that a blob was to be made of it is beside the point.
func (f *JobFile) unread(field string, err error) error {
	var p *problem.Problem
	if errors.As(err, &p) {
		return f.wrong(field, problem.Next(p), "%w", p)
	}
	return tooFull(spaceForScratch, fmt.Errorf("%s: %s: %w", f.label(), field, err))
}

func (p *Prepared) importStream(ctx context.Context, in io.Reader) (blob.Ref, error) {
	ref, err := p.store.Import(cancellable{ctx, in})
	if err != nil {
		return blob.Ref{}, err
	}
	return p.added(ref), nil
}

func (p *Prepared) added(ref blob.Ref) blob.Ref {
	p.size += ref.Size
	return ref
}

// measure tells how large the regular file is that a field names. More than a
// blob can have is refused.
func (f *JobFile) measure(field, path string) (size int64, err error) {
	in, err := f.open(field, path)
	if err != nil {
		return 0, err
	}
	return in.Size(), in.Close()
}

// open opens a regular file that a field names.
func (f *JobFile) open(field, path string) (*steady.File, error) {
	full := f.Resolve(path)
	if err := f.checkInside(field, full); err != nil {
		return nil, err
	}
	in, err := steady.Open(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, f.wrong(field, "paths are relative to the job file; looked for "+full, "%s: no such file or directory", path)
	case err != nil:
		return nil, f.unread(field, err)
	case in.Size() > blob.MaxSize:
		err := f.wrong(field, "give it in several files", "%s: %d bytes are more than %d", path, in.Size(), int64(blob.MaxSize))
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// open opens a regular file that a field names, and notes where that leads.
func (p *Prepared) open(field, path string) (*steady.File, error) {
	in, err := p.file.open(field, path)
	if err != nil {
		return nil, err
	}
	if n, is := pick.LinkOut(in.Name()); is && !slices.Contains(p.notices, n) {
		p.notices = append(p.notices, n)
	}
	return in, nil
}

// cancellable ends a long read when the context does.
type cancellable struct {
	ctx context.Context
	in  io.Reader
}

func (c cancellable) Read(buf []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.in.Read(buf)
}
