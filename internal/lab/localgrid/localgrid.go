// Package localgrid runs a whole grid of real processes on this machine, on
// loopback: for `anthill dev`, `anthill demo` and the end-to-end tests.
package localgrid

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/coordinator"
	"github.com/anthill-grid/anthill/internal/identity"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker/misbehave"
)

// Config says what to run.
type Config struct {
	Exe          string // the anthill binary
	Dir          string // data, one directory a process, and logs
	Coordinators int
	Workers      []Worker
	// Note is told, in words for people, what takes longer than usual; it may be nil.
	Note func(string)
}

// Worker is one worker to run.
type Worker struct {
	Owner     string
	Slots     int
	Prior     float64 // that the owner is a saboteur; 0: the grid's
	Misbehave misbehave.Way
	Upload    string   // the rate of its line, such as 8KiB/s; empty: no limit
	Args      []string // further flags
}

// Grid is a running grid. Its processes are named c1, c2, ... and w1, w2, ...
type Grid struct {
	cfg   Config
	ports []int
	lock  io.Closer // of the directory

	mu        sync.Mutex
	processes map[string]*process
}

// Start runs the grid, and returns when all coordinators vote and all workers
// offer. A Dir that was used before is taken up again.
func Start(ctx context.Context, cfg Config) (*Grid, error) {
	g := &Grid{cfg: cfg, processes: map[string]*process{}}
	if err := g.start(ctx); err != nil {
		g.Close()
		return nil, fmt.Errorf("start grid: %w", err)
	}
	return g, nil
}

func (g *Grid) start(ctx context.Context) (err error) {
	if err := g.takeDir(ctx); err != nil {
		return err
	}
	if g.ports, err = ports(g.cfg.Dir, g.cfg.Coordinators, g.isFounded()); err != nil {
		return err
	}
	if err := g.startCoordinators(ctx); err != nil {
		return err
	}
	if err := g.startWorkers(ctx); err != nil {
		return err
	}
	return g.waitComplete(ctx)
}

// startCoordinators founds the grid with the first and lets the others join. In a
// grid that was begun before, those that belong to it start together, since nobody can
// lead without a majority.
func (g *Grid) startCoordinators(ctx context.Context) error {
	members, others := []*process{g.coordinator(0, "--bootstrap")}, []int{}
	for i := range g.ports[1:] {
		if p := g.coordinator(i + 1); p.isEnrolled() {
			members = append(members, p)
		} else {
			others = append(others, i+1)
		}
	}
	if err := g.runAll(ctx, members); err != nil || len(others) == 0 {
		return err
	}
	token, err := g.token(ctx, &anthillv1.CreateTokenRequest{
		Role: anthillv1.Role_ROLE_COORDINATOR, Uses: uint32(len(others)), Owner: "operator",
	})
	if err != nil {
		return err
	}
	var joining []*process
	for _, i := range others {
		joining = append(joining, g.coordinator(i, "--join", token))
	}
	return g.runAll(ctx, joining)
}

// isFounded tells whether the grid was begun before.
func (g *Grid) isFounded() bool { return g.process("c1").isEnrolled() }

func (g *Grid) coordinator(i int, args ...string) *process {
	p := g.process(fmt.Sprintf("c%d", i+1))
	p.args = append([]string{"coordinator", "--data", p.dir, "--listen", g.address(i)}, args...)
	return p
}

func (g *Grid) address(i int) string { return fmt.Sprintf("127.0.0.1:%d", g.ports[i]) }

func (g *Grid) process(name string) *process {
	return &process{exe: g.cfg.Exe, name: name, dir: filepath.Join(g.cfg.Dir, name), log: filepath.Join(g.cfg.Dir, name+".log")}
}

func (g *Grid) startWorkers(ctx context.Context) error {
	var list []*process
	for i, w := range g.cfg.Workers {
		p, err := g.worker(ctx, i+1, w)
		if err != nil {
			return err
		}
		list = append(list, p)
	}
	return g.runAll(ctx, list)
}

func (g *Grid) worker(ctx context.Context, n int, w Worker) (*process, error) {
	p := g.process(fmt.Sprintf("w%d", n))
	p.args = []string{"worker", "--data", p.dir, "--listen", "127.0.0.1:0", "--on-battery", "--slots", fmt.Sprint(max(1, w.Slots))}
	if w.Misbehave != misbehave.Honest {
		p.args = append(p.args, "--misbehave="+string(w.Misbehave))
	}
	if w.Upload != "" {
		p.args = append(p.args, "--upload", w.Upload)
	}
	p.args = append(p.args, w.Args...)
	if p.isEnrolled() {
		return p, nil
	}
	token, err := g.token(ctx, &anthillv1.CreateTokenRequest{
		Role: anthillv1.Role_ROLE_WORKER, Uses: 1, Owner: w.Owner, Prior: w.Prior,
	})
	p.args = append(p.args, "--join", token)
	return p, err
}

// token makes a token; wish needs no lifetime.
func (g *Grid) token(ctx context.Context, wish *anthillv1.CreateTokenRequest) (string, error) {
	wish.Lifetime = durationpb.New(10 * time.Minute)
	var token string
	err := g.ask(ctx, func(grid *sdk.Grid) error {
		resp, err := grid.CreateToken(ctx, wish)
		token = resp.GetToken()
		return err
	})
	return token, err
}

// ask makes a connection as the operator for one question.
func (g *Grid) ask(ctx context.Context, question func(*sdk.Grid) error) error {
	grid, err := sdk.Connect(ctx, sdk.Config{Grid: g.Context()})
	if err != nil {
		return err
	}
	return errors.Join(question(grid), grid.Close())
}

func (g *Grid) runAll(ctx context.Context, list []*process) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, p := range list {
		group.Go(func() error { return g.run(ctx, p) })
	}
	return group.Wait()
}

func (g *Grid) run(ctx context.Context, p *process) error {
	g.mu.Lock()
	g.processes[p.name] = p
	g.mu.Unlock()
	return p.start(ctx)
}

// waitComplete waits until the grid is as it was asked for, and makes the
// operator's context know all coordinators.
func (g *Grid) waitComplete(ctx context.Context) error {
	for {
		complete := false
		err := g.ask(ctx, func(grid *sdk.Grid) error {
			nodes, err := grid.Nodes(ctx)
			complete = g.complete(nodes)
			return err
		})
		if err != nil {
			return err
		}
		if complete {
			return errors.Join(g.agree(ctx), g.saveCoordinators())
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// agree makes the grid write something: a token that is never used. The leader lists
// a voter before a majority has been told of it; if the leader died then, the others
// could not elect a new one. When a later write is done, they know.
func (g *Grid) agree(ctx context.Context) error {
	_, err := g.token(ctx, &anthillv1.CreateTokenRequest{
		Role: anthillv1.Role_ROLE_SUBMITTER, Uses: 1, Owner: "operator",
	})
	return err
}

func (g *Grid) complete(nodes []*anthillv1.Node) bool {
	coordinators, workers := 0, 0
	for _, n := range nodes {
		switch {
		case n.GetRole() == anthillv1.Role_ROLE_COORDINATOR && n.GetVoter():
			coordinators++
		case n.GetRole() == anthillv1.Role_ROLE_WORKER && n.GetSlots() > 0:
			workers++
		}
	}
	// An odd number votes.
	return coordinators >= g.cfg.Coordinators-(1-g.cfg.Coordinators%2) && workers >= len(g.cfg.Workers)
}

func (g *Grid) saveCoordinators() error {
	dir, err := identity.Load(g.Context())
	if err != nil {
		return err
	}
	dir.Coordinators = nil
	for i := range g.ports {
		dir.Coordinators = append(dir.Coordinators, g.address(i))
	}
	return dir.Save(g.Context())
}

// Context is the operator's identity directory, for sdk.Config.Grid.
func (g *Grid) Context() string {
	return coordinator.OperatorDir(filepath.Join(g.cfg.Dir, "c1"))
}

// Leader is the name of the coordinator that leads.
func (g *Grid) Leader(ctx context.Context) (string, error) {
	name := ""
	err := g.ask(ctx, func(grid *sdk.Grid) error {
		nodes, err := grid.Nodes(ctx)
		for _, n := range nodes {
			if n.GetLeader() {
				name = g.nameOf(n.GetId())
			}
		}
		return err
	})
	if err == nil && name == "" {
		err = errors.New("find leader: there is none among this grid's processes")
	}
	return name, err
}

func (g *Grid) nameOf(node string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	for name, p := range g.processes {
		if dir, err := identity.Load(p.dir); err == nil && string(dir.Identity.Node()) == node {
			return name
		}
	}
	return ""
}

// CoordinatorAt is the name of the coordinator that serves at HOST:PORT; "" if none does.
func (g *Grid) CoordinatorAt(address string) string {
	for i := range g.ports {
		if g.address(i) == address {
			return fmt.Sprintf("c%d", i+1)
		}
	}
	return ""
}

// Kill ends a process by SIGKILL.
func (g *Grid) Kill(name string) error {
	p, err := g.find(name)
	if err != nil {
		return err
	}
	return p.kill()
}

// PID is the process id of a node.
func (g *Grid) PID(name string) (int, error) {
	p, err := g.find(name)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Pid, nil
}

// Log is all that a process has logged.
func (g *Grid) Log(name string) (string, error) {
	p, err := g.find(name)
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(p.log)
	return string(data), err
}

// Ended are the processes that do not run, sorted.
func (g *Grid) Ended() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var names []string
	for name, p := range g.processes {
		if p.ended() {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Restart starts a process again that was killed.
func (g *Grid) Restart(ctx context.Context, name string) error {
	p, err := g.find(name)
	if err != nil {
		return err
	}
	return p.start(ctx)
}

// Swap stops a process in order and starts it again from another binary, or from the
// same one where exe is empty.
func (g *Grid) Swap(ctx context.Context, name, exe string) error {
	p, err := g.find(name)
	if err != nil {
		return err
	}
	if err := p.stop(ctx); err != nil {
		return err
	}
	if exe != "" {
		p.exe = exe
	}
	return p.start(ctx)
}

// Stop ends a process in order: it gives back what it has.
func (g *Grid) Stop(ctx context.Context, name string) error {
	p, err := g.find(name)
	if err != nil {
		return err
	}
	return p.stop(ctx)
}

func (g *Grid) find(name string) (*process, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p := g.processes[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("process %s: %w", name, fs.ErrNotExist)
}

// Close ends all processes by SIGKILL: what is to last is on their disks.
func (g *Grid) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, p := range g.processes {
		_ = p.kill() // it is gone, or beyond our reach
	}
	if g.lock != nil {
		_ = g.lock.Close() // it ends with this process anyway
	}
}
