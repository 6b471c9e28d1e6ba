package desk

import (
	"context"
	"errors"
	"fmt"
	"testing"

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
		for _, g := range batches(all, 10) {
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
