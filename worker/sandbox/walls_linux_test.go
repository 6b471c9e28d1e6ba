package sandbox

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// TestAllThreadsAreWalledIn looks at a child that has worked from outside.
func TestAllThreadsAreWalledIn(t *testing.T) {
	s := newSlot(t)
	run(t, s, newTask(t, handmade.Count(1)))
	proc := fmt.Sprintf("/proc/%d/", pid(s))
	threads, err := os.ReadDir(proc + "task")
	if err != nil || len(threads) < 3 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		dir := proc + "task/" + thread.Name()
		status := readFile(t, dir+"/status")
		for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
			if !strings.Contains(status, want) {
				t.Errorf("thread %s lacks %q", thread.Name(), want)
			}
		}
		_, rest, _ := strings.Cut(readFile(t, dir+"/stat"), ") ")
		if policy := strings.Fields(rest)[38]; policy != fmt.Sprint(unix.SCHED_IDLE) {
			t.Errorf("thread %s has scheduling policy %s, want %d", thread.Name(), policy, unix.SCHED_IDLE)
		}
		tid, _ := strconv.Atoi(thread.Name())
		if class, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(tid), 0); class>>13 != 3 {
			t.Errorf("thread %s has I/O class %d, want 3, idle", thread.Name(), class>>13)
		}
	}
	if score := strings.TrimSpace(readFile(t, proc+"oom_score_adj")); score != "1000" {
		t.Errorf("the donor's programs may go before it when memory runs out: oom_score_adj is %s", score)
	}
	if group, err := os.ReadFile(proc + "autogroup"); err == nil && !strings.HasSuffix(strings.TrimSpace(string(group)), "nice 19") {
		t.Errorf("its session is as good as the donor's: autogroup %s", group)
	}
	limits := strings.Join(strings.Fields(readFile(t, proc+"limits")), " ")
	for _, want := range []string{"Max core file size 0 0", "Max open files 1024 1024", "Max file size 536870912 536870912"} {
		if !strings.Contains(limits, want) {
			t.Errorf("no limit %q in %s", want, limits)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestALimitOfProcessorTimeStandsIn plays a parent that does not look at the
// clock.
func TestALimitOfProcessorTimeStandsIn(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds of processor time")
	}
	s := newSlot(t)
	if err := s.ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	task := newTask(t, handmade.Loop())
	task.Time = time.Millisecond
	req, err := s.request(task)
	if err != nil {
		t.Fatal(err)
	}
	child := s.child
	time.AfterFunc(time.Minute, child.kill)
	a := child.exchange(req, nil, make(chan struct{}), nil)
	<-child.exited
	if got := causeOfDeath(child, a.err); a.err == nil || !strings.Contains(got, "its limit of processor time") {
		t.Errorf("the child ended so: %v; %q", a.err, got)
	}
}
