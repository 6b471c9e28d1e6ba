package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Prepared is a job that is ready to be submitted: its bundle has been
// screened, and all that it needs lies in a blob store in a temporary
// directory.
type Prepared struct {
	spec  *anthillv1.JobSpec
	tasks int
	size  int64
	room  *scratch
	store *blobstore.Store
	// kept are references to blobs that the grid keeps, see resolve.
	kept []*anthillv1.BlobRef
}

// Prepare checks a job and reads the bundle, the input and the data files that
// it names. It needs no grid. Close it, unless SubmitPrepared took it over.
func Prepare(ctx context.Context, file *JobFile) (*Prepared, error) {
	if err := file.Check(); err != nil {
		return nil, err
	}
	room, err := newScratch("submit")
	if err != nil {
		return nil, fmt.Errorf("prepare job: %w", err)
	}
	store, err := blobstore.Open(blobstore.Config{Dir: room.store()})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare job: %w", err), room.remove())
	}
	p := &Prepared{room: room, store: store, spec: &anthillv1.JobSpec{
		Name: file.Name, Args: file.Args, Env: file.Env, Limits: file.Limits.proto(), Trust: file.Trust.proto(),
		UnknownImports: file.unknownImports(),
	}}
	if err := p.read(ctx, file); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Tasks is how many tasks the job has; 0 where that depends on a blob that the
// grid keeps, until it was submitted.
func (p *Prepared) Tasks() int { return p.tasks }

// Size is how many bytes the bundle, the input and the data files have.
func (p *Prepared) Size() int64 { return p.size }

// Shard is what task i reads.
func (p *Prepared) Shard(i int) ([]byte, error) {
	if r := p.spec.GetInput().GetRange(); r != nil {
		return []byte(jobs.Range{From: r.GetFrom(), To: r.GetTo(), Step: r.GetStep()}.Line(jobs.Index(i))), nil
	}
	b := p.spec.GetInput().GetBlob()
	in := jobs.BlobInput{Blob: blob.Ref{Size: b.GetBlob().GetSize()}, ShardSize: b.GetShardSize()}
	var entry []byte
	if b.GetIndex() != nil {
		in.Index = &blob.Ref{Size: b.GetIndex().GetSize()}
		at, size := jobs.IndexEntry(jobs.Index(i))
		var err error
		if entry, err = p.store.ReadRange(blob.ID(b.GetIndex().GetId()), at, size); err != nil {
			return nil, fmt.Errorf("read index: %w", err)
		}
	}
	off, n, err := in.Shard(jobs.Index(i), entry)
	if err != nil {
		return nil, err
	}
	return p.store.ReadRange(blob.ID(b.GetBlob().GetId()), off, n)
}

// Close removes the temporary directory.
func (p *Prepared) Close() error {
	return errors.Join(p.store.Close(), p.room.remove())
}

func (p *Prepared) read(ctx context.Context, file *JobFile) error {
	if err := p.readBundle(ctx, file); err != nil {
		return err
	}
	if err := p.readInput(ctx, file); err != nil {
		return err
	}
	if p.tasks > maxTasks {
		return file.wrong("input", "make the tasks larger", "it has %d tasks, more than %d", p.tasks, maxTasks)
	}
	for _, name := range file.dataNames() {
		ref, err := p.source(ctx, file, "data."+name, file.Data[name])
		if err != nil {
			return err
		}
		p.spec.Data = append(p.spec.Data, &anthillv1.DataFile{Name: name, Blob: ref})
	}
	return nil
}

func (p *Prepared) readBundle(ctx context.Context, file *JobFile) error {
	in, err := openInput(file, "bundle", file.Bundle)
	if err != nil {
		return err
	}
	defer in.Close()
	// One byte too many is read to let the screen say so.
	module, err := io.ReadAll(io.LimitReader(in, screen.MaxSize+1))
	if err != nil {
		return file.wrong("bundle", "make it readable", "%s: %w", file.Bundle, reason(err))
	}
	if err := file.screen(module); err != nil {
		return err
	}
	ref, err := p.store.Put(module)
	if err != nil {
		return fmt.Errorf("store bundle: %w", err)
	}
	p.spec.Bundle = p.added(ref)
	return ctx.Err()
}

func (f *JobFile) unknownImports() anthillv1.UnknownImports {
	if f.UnknownImports == jobs.TrapUnknown.String() {
		return anthillv1.UnknownImports_UNKNOWN_IMPORTS_TRAP
	}
	return anthillv1.UnknownImports_UNKNOWN_IMPORTS_REFUSE
}

// screening is what the job says of its module. The memory limit is the grid's
// default if the job has none.
func (f *JobFile) screening() screen.Options {
	limits := jobs.Spec{Limits: jobs.Limits{Memory: int64(f.Limits.Memory)}}.WithDefaults().Limits
	return screen.Options{Memory: limits.Memory, TrapUnknown: f.UnknownImports == jobs.TrapUnknown.String()}
}

// screen refuses a module that the grid would refuse.
func (f *JobFile) screen(bundle []byte) error {
	err := screen.Check(bundle, f.screening())
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
func (p *Prepared) importFile(ctx context.Context, file *JobFile, field, path string) (*anthillv1.BlobRef, error) {
	in, err := openInput(file, field, path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	ref, err := p.importStream(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", file.label(), field, err)
	}
	return ref, nil
}

func (p *Prepared) importStream(ctx context.Context, in io.Reader) (*anthillv1.BlobRef, error) {
	ref, err := p.store.Import(cancellable{ctx, in})
	if err != nil {
		return nil, err
	}
	return p.added(ref), nil
}

func (p *Prepared) added(ref blob.Ref) *anthillv1.BlobRef {
	p.size += ref.Size
	return wire.RefToProto(ref)
}

// openInput opens a regular file that a field of the job file names.
func openInput(file *JobFile, field, path string) (*os.File, error) {
	full := file.Resolve(path)
	info, err := os.Stat(full)
	if err != nil {
		return nil, file.wrong(field, fmt.Sprintf("paths are relative to the job file; looked for %s", full), "%s: %w", path, reason(err))
	}
	if !info.Mode().IsRegular() {
		return nil, file.wrong(field, "name a file", "%s: not a regular file", path)
	}
	in, err := os.Open(full)
	if err != nil {
		return nil, file.wrong(field, "make it readable", "%s: %w", path, reason(err))
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

func (l Limits) proto() *anthillv1.Limits {
	limits := &anthillv1.Limits{Memory: int64(l.Memory), Output: int64(l.Output), Fuel: int64(l.Fuel)}
	if l.Time != 0 {
		limits.Time = durationpb.New(time.Duration(l.Time))
	}
	return limits
}

func (t Trust) proto() *anthillv1.Trust {
	return &anthillv1.Trust{Replicas: t.Replicas, Quorum: t.Quorum, MaxAttempts: t.MaxAttempts, MaxError: float64(t.MaxError)}
}
