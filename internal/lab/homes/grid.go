//go:build linux

package homes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/control"
)

// Grid is a grid of real processes on the machines of a lab.
type Grid struct {
	Exe string // the anthill binary
	Dir string // data, one directory a process, and logs
	Lab *Lab

	coordinators []*Machine

	mu        sync.Mutex
	processes []*process
}

// process ends when its standard input does.
type process struct {
	machine *Machine
	cmd     *exec.Cmd
	stdin   io.Closer
	done    chan struct{}
}

// startTime is how long a process may take until it serves.
const startTime = time.Minute

// port is where coordinators listen: the one that the most networks let out.
const port = "443"

// Found starts three coordinators in the open, and joins them.
func (g *Grid) Found(ctx context.Context) error {
	for i := range 3 {
		m, err := g.Lab.Machine(fmt.Sprintf("c%d", i+1), Open)
		if err != nil {
			return err
		}
		g.coordinators = append(g.coordinators, m)
		join := []string{"--bootstrap"}
		if i > 0 {
			token, err := g.Token(ctx, "coordinator", "operator")
			if err != nil {
				return err
			}
			join = []string{"--join", token}
		}
		args := append([]string{"coordinator", "--data", g.data(m.Name), "--listen", m.Address + ":" + port}, join...)
		if err := g.Start(ctx, m, args...); err != nil {
			return err
		}
	}
	return nil
}

func (g *Grid) data(name string) string { return filepath.Join(g.Dir, name) }

// Operator is the identity directory of the grid's operator.
func (g *Grid) Operator() string { return filepath.Join(g.data("c1"), "operator") }

// Token makes a join token.
func (g *Grid) Token(ctx context.Context, role, owner string) (string, error) {
	args := []string{"token", "create", "--role", role, "--owner", owner}
	if role == "worker" {
		args = append(args, "--prior", "0.001")
	}
	out, err := g.Run(ctx, g.coordinators[0], g.Operator(), args...)
	return strings.TrimSpace(out), err
}

// Worker starts a worker on a machine.
func (g *Grid) Worker(ctx context.Context, m *Machine, owner string, args ...string) error {
	token, err := g.Token(ctx, "worker", owner)
	if err != nil {
		return err
	}
	return g.Start(ctx, m, append([]string{"worker", "--data", g.data(m.Name), "--join", token}, args...)...)
}

// Submitter makes an identity on a machine, with which Run works there.
func (g *Grid) Submitter(ctx context.Context, m *Machine, owner string) error {
	token, err := g.Token(ctx, "submitter", owner)
	if err != nil {
		return err
	}
	_, err = g.Run(ctx, m, "", "join", token)
	return err
}

// Start starts a process on a machine, and returns when it serves.
func (g *Grid) Start(ctx context.Context, m *Machine, args ...string) error {
	log, err := os.OpenFile(filepath.Join(g.Dir, m.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := m.Command(context.WithoutCancel(ctx), g.Exe, append(args, "--with-parent", "-v")...)
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &process{m, cmd, stdin, make(chan struct{})}
	g.mu.Lock()
	g.processes = append(g.processes, p)
	g.mu.Unlock()
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(stdout)
		if lines.Scan() {
			close(ready)
		}
		for lines.Scan() {
		}
		_ = p.cmd.Wait() // it says how it was killed
		close(p.done)
	}()
	select {
	case <-ready:
		return nil
	case <-p.done:
		return fmt.Errorf("start %s: it ended: %s", m.Name, g.Log(m.Name))
	case <-time.After(startTime):
		return fmt.Errorf("start %s: not ready after %v", m.Name, startTime)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run runs the anthill command on a machine with an identity, or with the one that
// Submitter made there, and gives what it prints.
func (g *Grid) Run(ctx context.Context, m *Machine, identity string, args ...string) (string, error) {
	cmd := m.Command(ctx, g.Exe, args...)
	cmd.Env = append(os.Environ(), "ANTHILL_HOME="+filepath.Join(g.data(m.Name), "home"), "ANTHILL_GRID="+identity)
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: anthill %s: %w: %s", m.Name, strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// Nodes are those that the grid knows.
func (g *Grid) Nodes(ctx context.Context) (list []*anthillv1.Node, err error) {
	out, err := g.Run(ctx, g.coordinators[0], g.Operator(), "nodes", "-o", "json")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(out) {
		n := &anthillv1.Node{}
		if err := protojson.Unmarshal([]byte(line), n); err != nil {
			return nil, fmt.Errorf("nodes: %w", err)
		}
		list = append(list, n)
	}
	return list, nil
}

// Log is the end of what a process has logged.
func (g *Grid) Log(name string) string {
	data, _ := os.ReadFile(filepath.Join(g.Dir, name+".log")) // none is as good as an error
	return string(data[max(0, len(data)-8<<10):])
}

// Close ends all processes.
func (g *Grid) Close() { g.end(func(*process) bool { return true }) }

// Stop ends those on a machine.
func (g *Grid) Stop(m *Machine) { g.end(func(p *process) bool { return p.machine == m }) }

func (g *Grid) end(which func(*process) bool) {
	var rest, ended []*process
	g.mu.Lock()
	for _, p := range g.processes {
		if !which(p) {
			rest = append(rest, p)
			continue
		}
		_ = p.stdin.Close() // which ends it
		ended = append(ended, p)
	}
	g.processes = rest
	g.mu.Unlock()
	for _, p := range ended {
		select {
		case <-p.done:
		case <-time.After(10 * time.Second):
			_ = p.cmd.Process.Kill()
			<-p.done
		}
	}
}

// Status is what a worker on a machine says of itself.
func (g *Grid) Status(ctx context.Context, m *Machine) (s control.Status, err error) {
	out, err := g.Run(ctx, m, "", "worker", "status", "--data", g.data(m.Name), "-o", "json")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(out), &s)
}
