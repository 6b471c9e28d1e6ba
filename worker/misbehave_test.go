package worker

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/misbehave"
)

func TestAWorkerCannotMisbehaveInAnyWay(t *testing.T) {
	if _, err := New(t.Context(), Config{Lent: lent, Misbehave: "badly"}); !errors.Is(err, problem.ErrInvalid) {
		t.Errorf("a worker that misbehaves badly: %v", err)
	}
}

// gossips is a coordinator that tells anybody what a task's result is, which
// real ones do not.
type gossips struct {
	anthillv1.UnimplementedJobServiceServer
	results []*anthillv1.StreamResultsResponse
}

func (g *gossips) StreamResults(_ *anthillv1.StreamResultsRequest, stream results) error {
	for _, r := range g.results {
		if err := stream.Send(r); err != nil {
			return err
		}
	}
	return nil
}

func TestCopycatCopiesWhatItCanGet(t *testing.T) {
	g := newGrid(t)
	truth := []byte("truth")
	victim, thief := g.worker(g.directory("victim")), g.worker(g.directory("thief"))
	id := victim.holds(truth)
	told := &gossips{}
	coordinator := g.coordinator(told)
	thief.conn.Learn([]string{coordinator})
	l := misbehave.New(misbehave.Config{
		Way: misbehave.Copycat, Name: "thief", Results: anthillv1.NewJobServiceClient(thief.conn),
		Swarm: thief.base.Swarm, Peers: victim.provider, Logger: slog.New(slog.DiscardHandler),
	})
	copies := func() []byte {
		said, _ := l.Tamper(t.Context(), &anthillv1.Lease{JobId: "j", Task: 3}, nil, 0)
		return said
	}

	if got := copies(); !bytes.Contains(got, []byte("thief")) {
		t.Errorf("told nothing, it says %q", got)
	}
	told.results = []*anthillv1.StreamResultsResponse{{Task: 2, Data: []byte("of another")}, {Task: 3, Output: &anthillv1.BlobRef{Id: id[:]}}}
	if got := copies(); !bytes.Contains(got, []byte("thief")) {
		t.Errorf("the victim told it %q", got)
	}
	victim.shared.add(&anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: id[:]}})
	thief.base.Swarm.Grant(id, g.authority.Grant(thief.Node(), id, time.Now().Add(time.Hour)))
	if got := copies(); !bytes.Equal(got, truth) {
		t.Errorf("it says %q of what it may read", got)
	}
	told.results[1].Data, told.results[1].Fuel = []byte("told"), 7
	if got, fuel := l.Tamper(t.Context(), &anthillv1.Lease{JobId: "j", Task: 3}, nil, 0); string(got) != "told" || fuel != 7 {
		t.Errorf("it says %q of what it was told, and a fuel of %d", got, fuel)
	}
}
