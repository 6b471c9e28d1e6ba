// Package misbehave has workers lie, for trying out whether a grid notices. An
// honest worker has none of it.
package misbehave

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/swarm"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// Way is a way in which a worker lies. It changes only results and what they
// took: tasks that fail do so honestly, except those of a Copycat, which never run.
type Way string

// The ways to lie. "Bent" is the true result with one bit flipped: all who bend
// a task's result agree with each other, which is the worst case for a grid.
const (
	// Honest does not lie.
	Honest Way = ""
	// Half bends half of the tasks, each liar another half.
	Half Way = "half"
	// Random gives other random bytes each time.
	Random Way = "random"
	// Constant gives the same wrong bytes for every task.
	Constant Way = "constant"
	// Collude bends half of the tasks, all colluders the same half.
	Collude Way = "collude"
	// Copycat computes nothing: it waits for others to report, tries to get hold
	// of what they said, and makes something up where it cannot.
	Copycat Way = "copycat"
	// Sleeper is honest for its first 20 tasks, and bends all later ones.
	Sleeper Way = "sleeper"
	// Fuel gives the true result, and claims that it took a tenth more fuel.
	Fuel Way = "fuel"
)

var ways = []Way{Half, Random, Constant, Collude, Copycat, Sleeper, Fuel}

const (
	// sleeps is for how many tasks a Sleeper is honest.
	sleeps = 20
	// copyWait is how long a Copycat gives the others to report.
	copyWait = time.Second
	// copyTime bounds a Copycat's looking around.
	copyTime = 2 * time.Second
)

// Parse reads the name of a way to lie; none is Honest.
func Parse(s string) (Way, error) {
	w := Way(s)
	if w == Honest || slices.Contains(ways, w) {
		return w, nil
	}
	var names []string
	for _, known := range ways {
		names = append(names, string(known))
	}
	return Honest, problem.Invalid("choose one of "+strings.Join(names, ", "), "misbehave %q: no such way to lie", s)
}

// Config is what a Liar needs.
type Config struct {
	Way Way
	// Name tells liars apart: those of one name lie about the same half.
	Name string
	// Results, Swarm and Peers are where a Copycat looks for results of others.
	Results anthillv1.JobServiceClient
	Swarm   *swarm.Swarm
	Peers   func() []swarm.Provider
	// Logger hears of every answer, lie or not.
	Logger *slog.Logger
}

// Liar is a worker's misbehaviour at work.
type Liar struct {
	cfg  Config
	done atomic.Int64
}

// New makes a liar that has not lied yet.
func New(cfg Config) *Liar { return &Liar{cfg: cfg} }

// Runner is what runs the liar's tasks.
func (l *Liar) Runner(honest executor.Runner) executor.Runner {
	if l.cfg.Way == Copycat {
		return idler{}
	}
	return honest
}

// Tamper gives what the liar says in the place of a result and of the fuel that
// it took. It logs, for the one who tries out a grid, whether that is a lie: anything
// else than what was computed.
func (l *Liar) Tamper(ctx context.Context, lease *anthillv1.Lease, output []byte, fuel uint64) ([]byte, uint64) {
	said, claimed := l.say(ctx, lease, output, fuel)
	l.cfg.Logger.Info("answered", "job", lease.GetJobId(), "task", lease.GetTask(), "lie", !bytes.Equal(said, output) || claimed != fuel)
	return said, claimed
}

func (l *Liar) say(ctx context.Context, lease *anthillv1.Lease, output []byte, fuel uint64) ([]byte, uint64) {
	switch {
	case l.cfg.Way == Fuel:
		return output, fuel + fuel/10 + 1
	case l.cfg.Way == Random:
		return random(len(output)), fuel
	case l.cfg.Way == Constant:
		return []byte("a lie\n"), fuel
	case l.cfg.Way == Copycat:
		return l.copy(ctx, lease)
	case l.cfg.Way == Half && half(l.cfg.Name, lease),
		l.cfg.Way == Collude && half("", lease),
		l.cfg.Way == Sleeper && l.done.Add(1) > sleeps:
		return bend(output), fuel
	}
	return output, fuel
}

// copy gives what another said, otherwise a guess.
func (l *Liar) copy(ctx context.Context, lease *anthillv1.Lease) ([]byte, uint64) {
	ctx, cancel := context.WithTimeout(ctx, copyTime)
	defer cancel()
	if data, fuel := l.copied(ctx, lease); data != nil {
		l.cfg.Logger.Warn("copied a result", "job", lease.GetJobId(), "task", lease.GetTask())
		return data, fuel
	}
	return []byte("a guess of " + l.cfg.Name + "\n"), 0
}

// copied asks coordinators for the task's result, and all peers for its bytes
// (as far as it is small); nil if that leads nowhere.
func (l *Liar) copied(ctx context.Context, lease *anthillv1.Lease) ([]byte, uint64) {
	stream, err := l.cfg.Results.StreamResults(ctx, &anthillv1.StreamResultsRequest{JobId: lease.GetJobId(), Provisional: true})
	for err == nil {
		var r *anthillv1.StreamResultsResponse
		if r, err = stream.Recv(); err == nil && r.GetTask() == lease.GetTask() {
			return l.fetch(ctx, r), r.GetFuel()
		}
	}
	return nil, 0
}

func (l *Liar) fetch(ctx context.Context, r *anthillv1.StreamResultsResponse) []byte {
	id, err := blob.IDFrom(r.GetOutput().GetId())
	if err != nil || r.GetData() != nil {
		return r.GetData()
	}
	got, _, err := l.cfg.Swarm.FetchSmall(ctx, []blob.ID{id}, l.cfg.Peers())
	if err != nil {
		return nil
	}
	return got[0]
}

// half says whether a task is in the half of this name.
func half(name string, lease *anthillv1.Lease) bool {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", name, lease.GetJobId(), lease.GetTask()))
	return sum[0]&1 == 1
}

// random gives n bytes, or a few more where so few could be right by chance.
func random(n int) []byte {
	b := make([]byte, max(n, 16))
	rand.Read(b) // never fails
	return b
}

func bend(output []byte) []byte {
	if len(output) == 0 {
		return []byte("a lie\n")
	}
	wrong := bytes.Clone(output)
	wrong[len(wrong)/2] ^= 1
	return wrong
}

// idler pretends to run tasks.
type idler struct{}

// Run implements executor.Runner.
func (idler) Run(ctx context.Context, _ sandbox.Task) (sandbox.Result, error) {
	select {
	case <-time.After(copyWait):
	case <-ctx.Done():
	}
	return sandbox.Result{Status: sandbox.Exited, Elapsed: copyWait}, ctx.Err()
}
