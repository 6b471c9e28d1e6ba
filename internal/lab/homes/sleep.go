//go:build linux

package homes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Sleep has a machine sleep as a laptop does: what was started there, and what that has
// started, stands still, and its line is dead.
func (g *Grid) Sleep(ctx context.Context, m *Machine, d time.Duration) error {
	var stopped []int
	g.mu.Lock()
	for _, p := range g.processes {
		if p.machine == m {
			stopped = append(stopped, withChildren(p.cmd.Process.Pid)...)
		}
	}
	g.mu.Unlock()
	if len(stopped) == 0 {
		return fmt.Errorf("sleep %s: nothing runs there", m.Name)
	}
	err := errors.Join(m.Unplug(), signal(stopped, syscall.SIGSTOP))
	if err == nil {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return errors.Join(err, m.Plug(), signal(stopped, syscall.SIGCONT))
}

// withChildren are a process and all that it has started.
func withChildren(pid int) []int {
	list := []int{pid}
	for i := 0; i < len(list); i++ {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", list[i])) // the pattern is right
		for _, t := range threads {
			data, _ := os.ReadFile(t) // it has ended
			for child := range strings.FieldsSeq(string(data)) {
				if n, err := strconv.Atoi(child); err == nil {
					list = append(list, n)
				}
			}
		}
	}
	return list
}

// signal reaches those that are still there.
func signal(pids []int, s syscall.Signal) error {
	for _, pid := range pids {
		if err := syscall.Kill(pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("signal process %d: %w", pid, err)
		}
	}
	return nil
}
