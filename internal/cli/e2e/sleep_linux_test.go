package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestWorkerSleeps stops the only worker and its guest again and again in the middle of a
// task, for longer than its lease lives. It goes on with the task each time, and neither
// it nor the job is charged for it.
func TestWorkerSleeps(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Friends("ada")})
	client := grid.Connect(t)
	file, _ := echoJob(t, handmade.Loop(), 1)
	file.Trust.Replicas = 1
	id := submit(t, client, file)
	awaitNode(t, grid, client, "w1", hasLease)
	awake := func(j *anthillv1.Job) bool { return j.GetTasks().GetRunning() > 0 && j.GetAttempts().GetLost() == 0 }
	await(t, client, id, "a running task", awake)
	before := settled(t, grid, "w1")
	for range 2 {
		signal(t, before, syscall.SIGSTOP)
		await(t, client, id, "silence", func(j *anthillv1.Job) bool { return j.GetAttempts().GetLost() > 0 })
		time.Sleep(time.Second)
		signal(t, before, syscall.SIGCONT)
		await(t, client, id, "a running task", awake)
	}
	time.Sleep(2 * time.Second) // a heartbeat or two
	if after := machine(t, grid, "w1"); !slices.Equal(before, after) {
		t.Errorf("its guest was begun again: processes %v, and %v before", after, before)
	}
	job, err := client.Job(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if a := job.GetAttempts(); a.GetStarted() != 1 || a.GetLost() != 0 || !awake(job) {
		t.Errorf("attempts %v, want one, which runs", a)
	}
	awaitNode(t, grid, client, "w1", func(n *anthillv1.Node) bool {
		if n.GetReliability() < 0.999 {
			t.Errorf("its sleep took it to a reliability of %v", n.GetReliability())
		}
		return true
	})
}

// settled are a node's processes once they stay the same: the child that compiles a bundle
// ends when its guest begins.
func settled(t *testing.T, grid *gridtest.Grid, name string) []int {
	t.Helper()
	list, same := machine(t, grid, name), 0
	for range 120 {
		time.Sleep(250 * time.Millisecond)
		if now := machine(t, grid, name); !slices.Equal(now, list) {
			list, same = now, 0
		} else if same++; same == 8 {
			return list
		}
	}
	t.Fatalf("the children of %s come and go", name)
	return nil
}

// machine are a node's process and its children.
func machine(t *testing.T, grid *gridtest.Grid, name string) []int {
	t.Helper()
	pid, err := grid.PID(name)
	if err != nil {
		t.Fatal(err)
	}
	list := []int{pid}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, thread := range threads {
		children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, thread.Name())) // it may have ended
		for _, child := range strings.Fields(string(children)) {
			n, err := strconv.Atoi(child)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, n)
		}
	}
	if len(list) < 2 {
		t.Fatalf("%s has no children", name)
	}
	return list
}

func signal(t *testing.T, pids []int, s syscall.Signal) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, s); err != nil {
			t.Errorf("signal %d to %d: %v", s, pid, err)
		}
	}
}
