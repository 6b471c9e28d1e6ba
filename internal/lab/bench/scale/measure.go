package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	"github.com/anthill-grid/anthill/sdk"
)

type bench struct {
	cfg    config
	dir    string
	grid   *localgrid.Grid
	client *sdk.Grid
	crew   *crew // nil with real workers
}

func (b *bench) stop() {
	if b.crew != nil {
		b.crew.dismiss()
	}
}

// measure has the workers work, or be idle.
func (b *bench) measure(ctx context.Context) (*result, error) {
	r := &result{Workers: b.cfg.workers, Tasks: b.cfg.tasks}
	if !b.cfg.real {
		var err error
		if b.crew, err = b.hire(ctx); err != nil {
			return nil, fmt.Errorf("hire workers: %w", err)
		}
		sleep(ctx, 5*time.Second) // until all have a session, and a second one in reserve
		b.crew.beats.take()
	}
	if b.cfg.backlog > 0 {
		if err := b.cancelOne(ctx); err != nil {
			return nil, fmt.Errorf("cancel a job: %w", err)
		}
	}
	began := time.Now()
	before, err := b.look(ctx)
	if err != nil {
		return nil, err
	}
	if b.cfg.tasks == 0 {
		sleep(ctx, b.cfg.idle)
	} else if err := b.work(ctx, r); err != nil {
		return nil, err
	}
	r.Seconds = time.Since(began).Seconds()
	after, err := b.look(ctx)
	if err != nil {
		return nil, err
	}
	r.compare(before, after)
	if b.crew != nil {
		if list := b.crew.beats.take(); len(list) > 0 {
			r.Beats, r.BeatsP50, r.BeatsP99 = len(list), millis(list[len(list)/2]), millis(list[len(list)*99/100])
		}
	}
	return r, ctx.Err()
}

func (b *bench) submit(ctx context.Context, name string, tasks int) (*sdk.Job, error) {
	path := filepath.Join(b.dir, "noop.wasm")
	if err := os.WriteFile(path, handmade.Echo(), 0o600); err != nil {
		return nil, err
	}
	return b.client.Submit(ctx, &sdk.JobFile{Name: name, Bundle: path, Input: sdk.Input{Range: &sdk.Range{To: int64(tasks), Step: 1}}})
}

// work runs one job to its end.
func (b *bench) work(ctx context.Context, r *result) error {
	began := time.Now()
	job, err := b.submit(ctx, "noop", b.cfg.tasks)
	if err != nil {
		return err
	}
	defer job.Close()
	for update, err := range b.client.Watch(ctx, job.ID()) {
		if err != nil {
			return err
		}
		r.Attempts = update.Job.GetAttempts().GetStarted()
		if t := update.Job.GetTasks(); r.Accepted == 0 && t.GetAccepted() == t.GetTotal() {
			r.Accepted = float64(b.cfg.tasks) / time.Since(began).Seconds()
		}
	}
	r.Durable = float64(b.cfg.tasks) / time.Since(began).Seconds()
	return nil
}

// cancelOne leaves a job behind of which results are still to be copied.
func (b *bench) cancelOne(ctx context.Context) error {
	job, err := b.submit(ctx, "cancelled", 10*b.cfg.backlog)
	if err != nil {
		return err
	}
	defer job.Close()
	for update, err := range b.client.Watch(ctx, job.ID()) {
		if err != nil {
			return err
		}
		if int(update.Job.GetTasks().GetAccepted()) >= b.cfg.backlog {
			break
		}
	}
	_, err = b.client.Cancel(ctx, job.ID())
	return err
}

// usage is what processes have used so far.
type usage struct {
	at                         time.Time
	leader, followers, workers time.Duration
	leaderMiB, followersMiB    float64
}

// look asks the machine what the grid's processes use.
func (b *bench) look(ctx context.Context) (u usage, err error) {
	leader, err := b.grid.Leader(ctx)
	if err != nil {
		return u, err
	}
	u.at = time.Now()
	for i := range 3 {
		name := fmt.Sprint("c", i+1)
		pid, err := b.grid.PID(name)
		if err != nil {
			return u, err
		}
		cpu, mib, err := processUse(pid)
		if err != nil {
			return u, err
		}
		if name == leader {
			u.leader, u.leaderMiB = cpu, mib
		} else {
			u.followers, u.followersMiB = u.followers+cpu, u.followersMiB+mib
		}
	}
	for i := range b.cfg.workers {
		if !b.cfg.real {
			break
		}
		pid, err := b.grid.PID(fmt.Sprint("w", i+1))
		if err != nil {
			return u, err
		}
		cpu, err := familyUse(pid)
		if err != nil {
			return u, err
		}
		u.workers += cpu
	}
	return u, nil
}

// compare notes what was used between two looks.
func (r *result) compare(before, after usage) {
	span := after.at.Sub(before.at)
	leader, followers, workers := after.leader-before.leader, after.followers-before.followers, after.workers-before.workers
	r.Leader, r.Followers = float64(leader)/float64(span), float64(followers)/float64(span)
	r.LeaderMiB, r.FollowersMiB = after.leaderMiB, after.followersMiB
	if r.Tasks > 0 {
		n := float64(r.Tasks)
		r.LeaderTask, r.FollowersTask, r.WorkersTask = millis(leader)/n, millis(followers)/n, millis(workers)/n
	}
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// tick is the unit of /proc/PID/stat.
const tick = 10 * time.Millisecond

// processUse is the processor time of a process, and what it has resident.
func processUse(pid int) (cpu time.Duration, mib float64, err error) {
	fields, err := stat(pid)
	if err != nil {
		return 0, 0, err
	}
	var own, system, pages int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12]+" "+fields[21], &own, &system, &pages); err != nil {
		return 0, 0, err
	}
	return time.Duration(own+system) * tick, float64(pages) * float64(os.Getpagesize()) / (1 << 20), nil
}

// familyUse is the processor time of a process and of all that it has started and that
// still run.
func familyUse(pid int) (time.Duration, error) {
	sum, _, err := processUse(pid)
	if err != nil {
		return 0, err
	}
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return 0, err
	}
	for _, path := range all {
		data, _ := os.ReadFile(path) // a thread that is gone has none
		for _, word := range strings.Fields(string(data)) {
			var child int
			if _, err := fmt.Sscan(word, &child); err != nil {
				return 0, err
			}
			if cpu, err := familyUse(child); err == nil { // it may be gone
				sum += cpu
			}
		}
	}
	return sum, nil
}

// stat are the fields after the name, which may have spaces.
func stat(pid int) ([]string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	text := string(data)
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:]), nil
}
