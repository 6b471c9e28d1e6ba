package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// linePause is how often a progress line is printed if it is not to a terminal.
const linePause = 5 * time.Second

// follow shows a job's progress until it is finished.
func follow(ctx context.Context, grid *sdk.Grid, id string, w io.Writer) (*anthillv1.Job, error) {
	p := newProgress(w)
	defer p.close()
	var last *anthillv1.Job
	for update, err := range grid.Watch(ctx, id) {
		if err != nil {
			return nil, err
		}
		last = update.Job
		for _, event := range update.Events {
			if event.GetKind() != anthillv1.EventKind_EVENT_KIND_FINISHED {
				p.note(event.GetText())
			}
		}
		p.show(last)
	}
	if last.GetState() == anthillv1.JobState_JOB_STATE_SUCCEEDED {
		p.note(fmt.Sprintf("%s: %s after %s: %d tasks%s%s", id, jobState(last), age(last), last.GetTasks().GetTotal(), failedNote(last), trustNote(last)))
	}
	return last, nil
}

// progress shows how a job goes on.
type progress interface {
	show(*anthillv1.Job)
	// note tells of an event.
	note(text string)
	close()
}

func newProgress(w io.Writer) progress {
	if isTerminal(w) {
		return newBar(w)
	}
	return &lines{w: w}
}

// lines is for logs and pipes: a line now and then, and at once when the job begins to wait
// for something else.
type lines struct {
	w    io.Writer
	pace pace

	mu    sync.Mutex
	last  time.Time
	shown string
	waits waits.Reason
	next  string      // what is to be shown when the pause is over
	timer *time.Timer // nil: nothing is
}

func (l *lines) show(job *anthillv1.Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	line := job.GetId() + ": " + progressLine(job, l.pace.eta(job, time.Now()))
	reason := waits.FromProto(job.GetWait()).Reason
	news := reason != l.waits && reason != waits.None
	l.waits = reason
	left := linePause - time.Since(l.last)
	switch {
	case line == l.shown:
	case sdk.Finished(job) || news || left <= 0:
		l.write(line)
	default:
		l.next = line
		if l.timer == nil {
			l.timer = time.AfterFunc(left, l.catchUp)
		}
	}
}

// write shows a line now. It is called with mu held.
func (l *lines) write(line string) {
	l.stop()
	l.shown, l.last = line, time.Now()
	fmt.Fprintln(l.w, line)
}

// catchUp shows what came too soon after something else.
func (l *lines) catchUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timer != nil {
		l.write(l.next)
	}
}

func (l *lines) stop() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
}

func (l *lines) note(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, text)
}

func (l *lines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stop()
}

// bar is for terminals.
type bar struct {
	container *mpb.Progress
	bar       *mpb.Bar
	text      atomic.Pointer[string]
	pace      pace
}

func newBar(w io.Writer) *bar {
	b := &bar{container: mpb.New(mpb.WithOutput(rawWriter(w)), mpb.WithWidth(40), mpb.WithRefreshRate(100*time.Millisecond))}
	b.text.Store(new(string))
	b.bar = b.container.AddBar(0, mpb.AppendDecorators(
		decor.Any(func(decor.Statistics) string { return *b.text.Load() })))
	return b
}

func (b *bar) show(job *anthillv1.Job) {
	line := progressLine(job, b.pace.eta(job, time.Now()))
	b.set(line, int64(1000*portion(job)), 1000)
}

// set shows how much is done of the total, and a line beside it.
func (b *bar) set(line string, done, total int64) {
	line = strings.ReplaceAll(jobs.Printable(line), "\n", " ")
	b.text.Store(&line)
	b.bar.SetTotal(total, false)
	b.bar.SetCurrent(done)
}

func (b *bar) note(text string) {
	// Above the bar. If it cannot be written there, nobody is looking.
	_, _ = fmt.Fprintln(b.container, jobs.Printable(text))
}

func (b *bar) close() {
	b.bar.Abort(false)
	b.container.Wait()
}

// progressLine says how far a job is.
func progressLine(job *anthillv1.Job, eta time.Duration) string {
	tasks, fetched := job.GetTasks(), job.GetFetched()
	line := fmt.Sprintf("%d/%d done, ", tasks.GetDone(), tasks.GetTotal())
	if n := tasks.GetFailed(); n > 0 {
		line += fmt.Sprintf("%d failed, ", n)
	}
	line += fmt.Sprintf("%d running, %d disputed", tasks.GetRunning(), tasks.GetDisputed())
	if job.GetFuelEstimate() > 0 && !sdk.Finished(job) {
		line += fmt.Sprintf(", %d %% of the work", int(100*portion(job)))
	}
	if n := tasks.GetReopened(); n > 0 {
		line += fmt.Sprintf(", %d reopened", n)
	}
	line += trustNote(job)
	line += fmt.Sprintf("; %s from workers, %s from coordinators, %s from the submitter",
		sdk.Size(fetched.GetFromWorkers()), sdk.Size(fetched.GetFromCoordinators()), sdk.Size(fetched.GetFromSubmitter()))
	switch {
	case waiting(job) != "":
		line += "; waiting: " + waiting(job)
	case eta > 0:
		line += "; ETA " + eta.String()
	}
	return line
}

// waiting is why nothing moves of a job, with what helps. Coordinators of before say so in
// words alone.
func waiting(job *anthillv1.Job) string {
	if job.GetWait() == nil {
		return job.GetWaiting()
	}
	return waits.FromProto(job.GetWait()).Text(time.Now())
}
