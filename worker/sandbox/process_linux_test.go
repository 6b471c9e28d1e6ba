package sandbox

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// TestTheChildInheritsNothing looks at a child from outside.
func TestTheChildInheritsNothing(t *testing.T) {
	t.Setenv("ANTHILL_SECRET", "hunter2")
	file, err := os.CreateTemp(t.TempDir(), "inherited")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	s := newSlot(t)
	run(t, s, newTask(t, handmade.Noop()))
	proc := fmt.Sprintf("/proc/%d/", pid(s))

	if environ, err := os.ReadFile(proc + "environ"); err != nil || len(environ) != 0 {
		t.Errorf("environment = %q, %v; want none", environ, err)
	}
	fds, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, err := os.Readlink(proc + "fd/" + fd.Name())
		if err != nil || strings.HasPrefix(target, "pipe:") || strings.HasPrefix(target, "anon_inode:") || target == "/sys/fs/cgroup" {
			continue
		}
		if strings.HasPrefix(target, "/sys/fs/cgroup/") || strings.HasPrefix(target, "/proc/") {
			continue // the Go runtime's own
		}
		t.Errorf("descriptor %s is %s", fd.Name(), target)
	}
	stat, err := os.ReadFile(proc + "stat")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	if fields := strings.Fields(rest); fields[16] != "19" {
		t.Errorf("nice = %s, want 19", fields[16])
	}
}
