package desk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

func TestBatches(t *testing.T) {
	for _, c := range []struct {
		sizes []int
		want  string
	}{
		{nil, "[]"},
		{[]int{0}, "[[0]]"}, // a report of nothing must not stop the leader
		{[]int{3, 3, 4}, "[[3 3 4]]"},
		{[]int{3, 3, 5}, "[[3 3] [5]]"},
		{[]int{30, 1, 0, 9}, "[[30] [1 0 9]]"},
		{[]int{1, 30, 1}, "[[1] [30] [1]]"},
	} {
		var all []*delivery[int]
		for _, n := range c.sizes {
			all = append(all, &delivery[int]{items: make([]int, n)})
		}
		groups := [][]int{}
		for _, g := range batches(all, 10, func(items []int) int { return len(items) }) {
			var sizes []int
			for _, d := range g {
				sizes = append(sizes, len(d.items))
			}
			groups = append(groups, sizes)
		}
		if got := fmt.Sprint(groups); got != c.want {
			t.Errorf("batches(%v) = %s, want %s", c.sizes, got, c.want)
		}
	}
}

// What a worker hands in at once may be more than a command holds, if it has much to say
// about why tasks failed.
func TestReportsOfManyFailuresAreCutToCommands(t *testing.T) {
	reports := make([]jobs.Report, jobs.MaxReports)
	for i := range reports {
		reports[i].Lease = jobs.LeaseID(i)
		if i >= 100 {
			reports[i].Reason = strings.Repeat("x", jobs.MaxFailure)
		}
	}
	next := 0
	for _, part := range portions(reports) {
		for _, r := range part {
			if int(r.Lease) != next {
				t.Fatalf("report %d comes when it is the turn of %d", r.Lease, next)
			}
			next++
		}
		command := jobs.Command{Report: &jobs.ReportAttempts{Reports: part}}
		if data, err := replica.EncodeCommand(command, jobs.LastVersion); err != nil || len(data) > replica.MaxCommand*9/10 {
			t.Errorf("%d reports have %d bytes, %v", len(part), len(data), err)
		}
	}
	if next != len(reports) {
		t.Errorf("%d of %d reports are left", next, len(reports))
	}
	if list := portions(nil); len(list) != 1 || len(list[0]) != 0 {
		t.Errorf("nothing is cut to %v", list)
	}
}

// All of them are committed before the worker hears that they are.
func TestDeskCommitsReportsOfManyFailures(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	d := openDesk(l, false)
	const n = 300
	l.Submit("j", n)
	var reports []jobs.Report
	for place := range jobs.Place(n) {
		l.Grant(jobs.LeaseID(place)+1, "j", place, "w1", time.Minute)
		reports = append(reports, jobs.Report{Lease: jobs.LeaseID(place) + 1, Worker: "w1", Status: jobs.Crashed, ExitCode: 3, Reason: strings.Repeat("x", jobs.MaxFailure)})
	}
	done := make(chan error, 1)
	go func() { done <- d.Report(soon(t), reports) }()
	l.Until("all are in", func() bool { d.commitReports(t.Context()); return len(done) == 1 })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	l.View(func(s *jobs.State) {
		if held := s.Holding("w1"); held != 0 {
			t.Errorf("%d reports are missing", held)
		}
	})
}

func TestDeskReportsAreNotCancelledByTheTermsEnd(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	d := openDesk(l, false)
	answer := make(chan error, 1)
	go func() { answer <- d.Report(context.Background(), []jobs.Report{{}}) }()
	l.Until("it waits", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return len(d.reports.list) == 1
	})
	term, end := context.WithCancel(t.Context())
	end()
	d.commitReports(term)
	if err := <-answer; !errors.Is(err, ErrNoLeader) {
		t.Errorf("got %v, want ErrNoLeader: the worker did not cancel it", err)
	}
}
