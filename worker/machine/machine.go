// Package machine senses what a donor's machine does: whether it has mains, and
// what uses its processors.
package machine

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/process"

	"github.com/anthill-grid/anthill/worker/limits"
)

// Machine is the one that this process runs on. It is for one goroutine.
type Machine struct {
	children func() []int
	seen     map[int]time.Duration // processor time of children that live
	ended    time.Duration         // of those that do not, as far as it was seen
}

// New needs to know which children the process has now; a child's own children
// are not looked for.
func New(children func() []int) *Machine {
	return &Machine{children: children, seen: map[int]time.Duration{}}
}

// Power tells what the machine runs on. The error is errors.ErrUnsupported where the
// system does not tell.
func Power() (limits.Power, error) {
	p, err := power()
	if err != nil {
		return limits.Power{}, fmt.Errorf("look for mains: %w", err)
	}
	return p, nil
}

// CPU tells how the processors were used. It takes some
// hundred microseconds.
func (m *Machine) CPU() (limits.CPU, error) {
	own, err := m.own()
	if err != nil {
		return limits.CPU{}, fmt.Errorf("measure own processor time: %w", err)
	}
	list, err := cpu.Times(false)
	if err == nil && len(list) != 1 {
		err = errors.ErrUnsupported
	}
	if err != nil {
		return limits.CPU{}, fmt.Errorf("measure processor time: %w", err)
	}
	// What Linux counts as a guest's time it has counted as the user's already.
	t := list[0]
	used := t.User + t.Nice + t.System + t.Irq + t.Softirq
	return limits.CPU{Total: seconds(used + t.Idle + t.Iowait + t.Steal), Used: seconds(used), Own: own}, nil
}

// own is the time of this process and all the children that it ever had.
func (m *Machine) own() (time.Duration, error) {
	sum, err := processTime(os.Getpid())
	if err != nil {
		return 0, err
	}
	alive := map[int]time.Duration{}
	for _, pid := range m.children() {
		if t, err := processTime(pid); err == nil { // or it has just ended
			alive[pid] = t
			sum += t
		}
	}
	for pid, t := range m.seen {
		if now, ok := alive[pid]; !ok || now < t {
			m.ended += t
		}
	}
	m.seen = alive
	return sum + reaped(m.ended), nil
}

func processTime(pid int) (time.Duration, error) {
	p := process.Process{Pid: int32(pid)}
	t, err := p.Times()
	if err != nil {
		return 0, err
	}
	return seconds(t.User + t.System), nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
