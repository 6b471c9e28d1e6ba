package desk

import (
	"context"
	"sync"

	"github.com/anthill-grid/anthill/jobs"
)

// inbox is what has been handed in and waits for the loop that commits it. The desk's
// mutex guards the list.
type inbox[T any] struct {
	list []*delivery[T]
	news chan struct{} // for the loop
}

// delivery is something handed in, and where to say that it is committed.
type delivery[T any] struct {
	items []T
	done  chan error
}

// refuse answers all that waits. It is called with mu held.
func (in *inbox[T]) refuse(err error) {
	for _, x := range in.list {
		x.done <- err
	}
}

// Report hands in how attempts ended, and returns when that is committed: by several
// commands, if there is much to say about why tasks failed.
func (d *Desk) Report(ctx context.Context, reports []jobs.Report) error {
	for _, part := range portions(reports) {
		if err := handIn(ctx, d, &d.reports, part); err != nil {
			return err
		}
	}
	return nil
}

// portions cuts reports into runs that fit into a command.
func portions(reports []jobs.Report) [][]jobs.Report {
	var list [][]jobs.Report
	begin, weight := 0, 0
	for i := range reports {
		w := reports[i].Weight()
		if i > begin && weight+w > jobs.MaxReportBytes {
			list = append(list, reports[begin:i])
			begin, weight = i, 0
		}
		weight += w
	}
	return append(list, reports[begin:])
}

// weightOf is that of several reports.
func weightOf(reports []jobs.Report) (sum int) {
	for i := range reports {
		sum += reports[i].Weight()
	}
	return sum
}

// Confirm hands in what a coordinator holds, and returns when that is committed.
func (d *Desk) Confirm(ctx context.Context, c jobs.ConfirmHeld) error {
	return handIn(ctx, d, &d.confirms, []jobs.ConfirmHeld{c})
}

// handIn puts items into an inbox, and returns when they are committed.
func handIn[T any](ctx context.Context, d *Desk, in *inbox[T], items []T) error {
	x := &delivery[T]{items, make(chan error, 1)}
	d.mu.Lock()
	if !d.leading {
		d.mu.Unlock()
		return ErrNoLeader
	}
	in.list = append(in.list, x)
	d.mu.Unlock()
	wake(in.news)
	select {
	case err := <-x.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// takeOut empties an inbox.
func takeOut[T any](d *Desk, in *inbox[T]) []*delivery[T] {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := in.list
	in.list = nil
	return list
}

func (d *Desk) commitReports(ctx context.Context) {
	for _, batch := range batches(takeOut(d, &d.reports), jobs.MaxReportBytes, weightOf) {
		var c jobs.ReportAttempts
		for _, x := range batch {
			c.Reports = append(c.Reports, x.items...)
		}
		d.noteReturns(c.Reports)
		_, err := d.Propose(ctx, jobs.Command{Report: &c})
		for _, x := range batch {
			x.done <- err
		}
	}
}

// batches groups deliveries so that the items of each group weigh at most so much, or
// it is one delivery.
func batches[T any](all []*delivery[T], limit int, weigh func([]T) int) [][]*delivery[T] {
	var groups [][]*delivery[T]
	weight := 0
	for _, x := range all {
		w := weigh(x.items)
		if len(groups) == 0 || weight+w > limit {
			groups = append(groups, nil)
			weight = 0
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], x)
		weight += w
	}
	return groups
}

// commitConfirms proposes each confirmation by itself: one is large enough for an entry.
func (d *Desk) commitConfirms(ctx context.Context) {
	var all sync.WaitGroup
	for _, x := range takeOut(d, &d.confirms) {
		all.Go(func() {
			_, err := d.Propose(ctx, jobs.Command{Confirm: &x.items[0]})
			x.done <- err
		})
	}
	all.Wait()
}
