package worker

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

// Misbehaviour is a way in which a worker lies, for trying out whether a grid
// notices. It changes only results and what they took: tasks that fail do so
// honestly, but for those of a Copycat, which never run.
type Misbehaviour string

// The ways to lie. "Bent" is the true result with one bit flipped: all who bend
// a task's result agree with each other, which is the worst case for a grid.
const (
	// Honest does not lie.
	Honest Misbehaviour = ""
	// Half bends half of the tasks, each liar another half.
	Half Misbehaviour = "half"
	// Random gives other random bytes each time.
	Random Misbehaviour = "random"
	// Constant gives the same wrong bytes for every task.
	Constant Misbehaviour = "constant"
	// Collude bends half of the tasks, all colluders the same half.
	Collude Misbehaviour = "collude"
	// Copycat computes nothing: it waits for others to report, tries to get hold
	// of what they said, and makes something up where it cannot.
	Copycat Misbehaviour = "copycat"
	// Sleeper is honest for its first 20 tasks, and bends all later ones.
	Sleeper Misbehaviour = "sleeper"
	// Fuel gives the true result, and claims that it took a tenth more fuel.
	Fuel Misbehaviour = "fuel"
)

var misbehaviours = []Misbehaviour{Half, Random, Constant, Collude, Copycat, Sleeper, Fuel}

const (
	// sleeps is for how many tasks a Sleeper is honest.
	sleeps = 20
	// copyWait is how long a Copycat gives the others to report.
	copyWait = time.Second
	// copyTime bounds a Copycat's looking around.
	copyTime = 2 * time.Second
)

// ParseMisbehaviour reads the name of a way to lie; none is Honest.
func ParseMisbehaviour(s string) (Misbehaviour, error) {
	m := Misbehaviour(s)
	if m == Honest || slices.Contains(misbehaviours, m) {
		return m, nil
	}
	var names []string
	for _, known := range misbehaviours {
		names = append(names, string(known))
	}
	return Honest, problem.Invalid("choose one of "+strings.Join(names, ", "), "misbehave %q: no such way to lie", s)
}

// liar is a worker's misbehaviour at work.
type liar struct {
	how  Misbehaviour
	name string // tells liars apart
	done atomic.Int64
	copycat
}

// copycat looks for results of others.
type copycat struct {
	results anthillv1.JobServiceClient
	swarm   *swarm.Swarm
	peers   func() []swarm.Provider
	logger  *slog.Logger
}

// runner is what runs the liar's tasks.
func (l *liar) runner(honest executor.Runner) executor.Runner {
	if l.how == Copycat {
		return idler{}
	}
	return honest
}

// tamper gives what the liar says in the place of a result and of the fuel that
// it took. It logs, for whoever tries out a grid, whether that is a lie: anything
// but what was computed.
func (l *liar) tamper(ctx context.Context, lease *anthillv1.Lease, output []byte, fuel uint64) ([]byte, uint64) {
	said, claimed := l.say(ctx, lease, output, fuel)
	l.logger.Info("answered", "job", lease.GetJobId(), "task", lease.GetTask(), "lie", !bytes.Equal(said, output) || claimed != fuel)
	return said, claimed
}

func (l *liar) say(ctx context.Context, lease *anthillv1.Lease, output []byte, fuel uint64) ([]byte, uint64) {
	switch {
	case l.how == Fuel:
		return output, fuel + fuel/10 + 1
	case l.how == Random:
		return random(len(output)), fuel
	case l.how == Constant:
		return []byte("a lie\n"), fuel
	case l.how == Copycat:
		return l.copy(ctx, lease)
	case l.how == Half && half(l.name, lease),
		l.how == Collude && half("", lease),
		l.how == Sleeper && l.done.Add(1) > sleeps:
		return bend(output), fuel
	}
	return output, fuel
}

// copy gives what another said, or else a guess.
func (l *liar) copy(ctx context.Context, lease *anthillv1.Lease) ([]byte, uint64) {
	ctx, cancel := context.WithTimeout(ctx, copyTime)
	defer cancel()
	if data, fuel := l.copied(ctx, lease); data != nil {
		l.logger.Warn("copied a result", "job", lease.GetJobId(), "task", lease.GetTask())
		return data, fuel
	}
	return []byte("a guess of " + l.name + "\n"), 0
}

// copied asks coordinators for the task's result, and all peers for its bytes
// (as far as it is small); nil if that leads nowhere.
func (c copycat) copied(ctx context.Context, lease *anthillv1.Lease) ([]byte, uint64) {
	stream, err := c.results.StreamResults(ctx, &anthillv1.StreamResultsRequest{JobId: lease.GetJobId(), Provisional: true})
	for err == nil {
		var r *anthillv1.StreamResultsResponse
		if r, err = stream.Recv(); err == nil && r.GetTask() == lease.GetTask() {
			return c.fetch(ctx, r), r.GetFuel()
		}
	}
	return nil, 0
}

func (c copycat) fetch(ctx context.Context, r *anthillv1.StreamResultsResponse) []byte {
	id, err := blob.IDFrom(r.GetOutput().GetId())
	if err != nil || r.GetData() != nil {
		return r.GetData()
	}
	got, _, err := c.swarm.FetchSmall(ctx, []blob.ID{id}, c.peers())
	if err != nil {
		return nil
	}
	return got[0]
}

// half says whether a task is in the half that goes by this name.
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
	sleep(ctx, copyWait)
	return sandbox.Result{Status: sandbox.Exited, Elapsed: copyWait}, ctx.Err()
}
