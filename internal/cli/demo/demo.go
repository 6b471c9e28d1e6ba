// Package demo shows what the grid promises: it runs one of real processes on
// this machine, counts the words of thousands of real files with a liar among
// the workers, kills the leader half way, and compares with a plain count.
package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/sync/errgroup"

	"github.com/anthill-grid/anthill/examples/wordcount"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker/misbehave"
)

const (
	// liar is the owner of the worker that misbehaves.
	liar = "mallory"
	// liarProcess is that worker.
	liarProcess = "w5"
)

// Config says what to show.
type Config struct {
	Exe    string // the anthill binary
	Bundle string // wordcount.wasm
	Input  string // directory of the files to count
	Glob   string // which of them, relative to Input
	Dir    string // where the grid may keep its data
	// Show is called with the job whenever it changes, Note with what happens.
	Show func(*anthillv1.Job)
	Note func(string)
}

// demo is one run.
type demo struct {
	Config
	grid     *localgrid.Grid
	client   *sdk.Grid
	job      *sdk.Job
	prepared *sdk.Prepared

	paths    []string       // the files to count
	last     *anthillv1.Job // as of the end
	killed   atomic.Int64   // when the leader was killed, in Unix nanoseconds
	victim   string
	failover time.Duration
	banned   time.Time // when the liar was
	counts   wordcount.Counts
	wrong    int // accepted results that are not what they should be
}

// Run runs the demo. The report says what was seen; the error, whether there
// was anything to see.
func Run(ctx context.Context, cfg Config) (_ *Report, err error) {
	began := time.Now()
	d := &demo{Config: cfg}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.close())
	}
	defer func() { err = errors.Join(err, d.close()) }()
	if err := d.work(ctx); err != nil {
		return nil, err
	}
	r, err := d.report(ctx)
	if err != nil {
		return nil, err
	}
	r.Seconds = seconds(time.Since(began))
	return r, nil
}

func (d *demo) start(ctx context.Context) (err error) {
	d.Note("starting 3 coordinators and 5 workers, one of which will lie")
	d.grid, err = localgrid.Start(ctx, localgrid.Config{
		Exe: d.Exe, Dir: filepath.Join(d.Dir, "grid"), Coordinators: 3,
		Workers: []localgrid.Worker{
			{Owner: "ada"}, {Owner: "bruno"}, {Owner: "chen"}, {Owner: "dora"}, {Owner: liar, Misbehave: misbehave.Half},
		},
	})
	if err != nil {
		return err
	}
	if d.client, err = sdk.Connect(ctx, sdk.Config{Grid: d.grid.Context(), Patience: 30 * time.Second}); err != nil {
		return err
	}
	d.Note("reading " + filepath.Join(d.Input, d.Glob))
	size, err := d.find()
	if err != nil {
		return err
	}
	d.prepared, err = sdk.Prepare(ctx, &sdk.JobFile{
		Name: "wordcount", Bundle: d.Bundle,
		Input: sdk.Input{Files: []string{filepath.Join(d.Input, d.Glob)}, Pack: shardSize(size)},
	})
	if err != nil {
		return err
	}
	if d.job, err = d.client.SubmitPrepared(ctx, d.prepared); err != nil {
		return errors.Join(err, d.prepared.Close())
	}
	d.Note(fmt.Sprintf("submitted %s: %d tasks, %s", d.job.ID(), d.job.Tasks(), sdk.Size(d.job.Size())))
	return nil
}

// find lists the files to count, and adds their sizes up. Hidden ones are none of the
// job's.
func (d *demo) find() (size int64, err error) {
	d.paths, err = doublestar.FilepathGlob(filepath.Join(d.Input, d.Glob), doublestar.WithFilesOnly(), doublestar.WithNoHidden())
	if err != nil {
		return 0, fmt.Errorf("find input: %w", err)
	}
	for _, path := range d.paths {
		info, err := os.Stat(path)
		if err != nil {
			return 0, fmt.Errorf("find input: %w", err)
		}
		size += info.Size()
	}
	return size, nil
}

// shardSize makes some 200 tasks of an input, so that there is a half way, but
// of at most 512 KiB each.
func shardSize(input int64) sdk.Size {
	return sdk.Size(max(4<<10, min(input/200, 512<<10)))
}

func (d *demo) close() error {
	var errs []error
	if d.job != nil {
		errs = append(errs, d.job.Close())
	}
	if d.client != nil {
		errs = append(errs, d.client.Close())
	}
	if d.grid != nil {
		d.grid.Close()
	}
	return errors.Join(errs...)
}

// work follows the job to its end, merges its results and breaks the grid on
// the way.
func (d *demo) work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	half := make(chan struct{})
	recovered := make(chan struct{})
	group.Go(func() error { return d.merge(ctx) })
	group.Go(func() error { return d.killLeader(ctx, half, recovered) })
	group.Go(func() error { return d.follow(ctx, half, recovered) })
	return group.Wait()
}

// settling is for how long after the kill results may still come to light that
// were accepted before it: followers learn of them within some 20 ms.
const settling = 300 * time.Millisecond

// follow shows the job, tells when half of it is done, and measures how long
// after the kill the next result was accepted.
func (d *demo) follow(ctx context.Context, half, recovered chan<- struct{}) error {
	var before int64
	told := false
	for update, err := range d.client.Watch(ctx, d.job.ID()) {
		if err != nil {
			return err
		}
		d.last = update.Job
		d.tell(update)
		accepted := int64(update.Job.GetTasks().GetAccepted())
		if !told && 2*accepted >= int64(update.Job.GetTasks().GetTotal()) {
			told = true
			close(half)
		}
		switch since := d.sinceKill(); {
		case since < settling || accepted < before: // results may be taken back
			before = accepted
		case d.failover == 0 && accepted > before:
			d.failover = since
			close(recovered)
		}
	}
	if d.failover == 0 {
		return errors.New("demo: the job ended before the leader could be killed: give it more --input")
	}
	return nil
}

func (d *demo) tell(update *sdk.Update) {
	for _, e := range update.Events {
		if e.GetKind() == anthillv1.EventKind_EVENT_KIND_BANNED {
			d.banned = e.GetAt().AsTime()
			d.Note(e.GetText())
		}
	}
	d.Show(update.Job)
}

// sinceKill is how long ago the leader was killed; 0 if that is still to come.
func (d *demo) sinceKill() time.Duration {
	if at := d.killed.Load(); at != 0 {
		return time.Duration(time.Now().UnixNano() - at)
	}
	return 0
}

// killLeader kills the leader when half of the job is done, and starts it again
// some time after the others have gone on without it.
func (d *demo) killLeader(ctx context.Context, half, recovered <-chan struct{}) error {
	if !wait(ctx, half) {
		return ctx.Err()
	}
	name, err := d.grid.Leader(ctx)
	if err != nil {
		return err
	}
	d.victim = name
	d.Note(fmt.Sprintf("half is done: killing the leader, %s, by SIGKILL", name))
	if err := d.grid.Kill(name); err != nil {
		return err
	}
	d.killed.Store(time.Now().UnixNano())
	if !wait(ctx, recovered) {
		return ctx.Err()
	}
	d.Note(fmt.Sprintf("the next result was accepted %.1f s later", d.failover.Seconds()))
	time.Sleep(2 * time.Second)
	d.Note("starting " + name + " again")
	return d.grid.Restart(ctx, name)
}

func wait(ctx context.Context, c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}

// answers counts what the liar said until its ban, by its own log.
func (d *demo) answers() (all, lies int, err error) {
	log, err := d.grid.Log(liarProcess)
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(log) {
		if !strings.Contains(line, " msg=answered ") {
			continue
		}
		stamp, _, _ := strings.Cut(strings.TrimPrefix(line, "time="), " ")
		at, err := time.Parse(time.RFC3339, stamp)
		if err != nil {
			return 0, 0, fmt.Errorf("read the liar's log: %w", err)
		}
		if !d.banned.IsZero() && at.After(d.banned) {
			break
		}
		all++
		if strings.Contains(line, " lie=true") {
			lies++
		}
	}
	return all, lies, nil
}

// liarsRecord is what the grid knows of the liar.
func (d *demo) liarsRecord(ctx context.Context) (*anthillv1.OwnerRecord, error) {
	nodes, err := d.client.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	for _, n := range nodes {
		if n.GetOwner() == liar {
			return n.GetRecord(), nil
		}
	}
	return nil, errors.New("demo: the grid does not know the liar")
}

// merge adds the partial counts up when they are final, and compares each with
// what its shard really holds.
func (d *demo) merge(ctx context.Context) error {
	for result, err := range d.client.Results(ctx, d.job.ID()) {
		if err != nil {
			return err
		}
		data, err := result.Bytes(ctx)
		if err != nil {
			return err
		}
		right, err := d.isRight(result.Task, data)
		if err != nil {
			return err
		}
		if !right {
			d.wrong++
		}
		part, err := wordcount.ReadCounts(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("result of task %d: %w", result.Task, err)
		}
		d.counts.Merge(part)
	}
	return nil
}

func (d *demo) isRight(task int, data []byte) (bool, error) {
	shard, err := d.prepared.Shard(task)
	if err != nil {
		return false, err
	}
	c, err := wordcount.Count(bytes.NewReader(shard))
	if err != nil {
		return false, err
	}
	var want bytes.Buffer
	if _, err := c.WriteTo(&want); err != nil {
		return false, err
	}
	return bytes.Equal(want.Bytes(), data), nil
}

// countLocally counts the words of all files, one after the other, without the
// grid and without the shards that were made for it.
func (d *demo) countLocally() (*wordcount.Counts, error) {
	c := new(wordcount.Counts)
	for _, path := range d.paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		err = c.Add(f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
	}
	return c, nil
}
