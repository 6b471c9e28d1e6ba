package worker

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestSharedInputs(t *testing.T) {
	ref := func(s string) *anthillv1.BlobRef {
		id := blob.Of([]byte(s)).ID()
		return &anthillv1.BlobRef{Id: id[:]}
	}
	id := func(s string) blob.ID { return blob.Of([]byte(s)).ID() }
	var s sharedInputs
	s.add(&anthillv1.JobSpec{
		Bundle: ref("bundle"), Data: []*anthillv1.DataFile{{Name: "d", Blob: ref("data")}},
		Input: &anthillv1.Input{Source: &anthillv1.Input_Blob{Blob: &anthillv1.BlobInput{Blob: ref("input"), Index: ref("index")}}},
	})
	for _, name := range []string{"bundle", "data", "input", "index"} {
		if !s.has(id(name)) {
			t.Errorf("the %s is not shared", name)
		}
	}
	if s.has(id("output")) || s.has(blob.ID{}) || len(s.list()) != 4 {
		t.Errorf("%d blobs are shared, more than the job's", len(s.list()))
	}
	for i := range byte(jobs.HeartbeatBlobs) {
		s.add(&anthillv1.JobSpec{Bundle: ref(string([]byte{i}))})
		s.add(&anthillv1.JobSpec{Bundle: ref("bundle")})
	}
	if len(s.list()) != jobs.HeartbeatBlobs || !s.has(id("bundle")) || s.has(id("data")) {
		t.Errorf("%d blobs are shared; the newest should stay and the oldest go", len(s.list()))
	}
}

func TestWhoMayRead(t *testing.T) {
	input, output := blob.Of([]byte("input")).ID(), blob.Of([]byte("output")).ID()
	g := newGrid(t)
	w := &Worker{base: &node.Base{Directory: &identity.Directory{Identity: g.issue(jobs.Worker)}}}
	w.shared.add(&anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: input[:]}})
	for _, c := range []struct {
		role          jobs.Role
		input, output bool
	}{{jobs.Coordinator, true, true}, {jobs.Worker, false, false}, {jobs.Submitter, false, false}, {jobs.Operator, false, false}} {
		ctx := identity.NewContext(t.Context(), identity.Peer{Node: "n", Role: c.role})
		if in, out := w.mayRead(ctx, input), w.mayRead(ctx, output); in != c.input || out != c.output {
			t.Errorf("a %v reads inputs: %v, outputs: %v", c.role, in, out)
		}
	}
	if w.mayRead(t.Context(), input) {
		t.Error("nobody in particular may read")
	}
}

// Workers get no results of each other: neither small nor large ones, neither
// now nor after a restart, unless a job has them as its input.
func TestResultsStayFromOtherWorkers(t *testing.T) {
	g := newGrid(t)
	dir := g.directory("ada")
	ada := g.worker(dir)
	small, large := []byte("small result"), bytes.Repeat([]byte("large"), blob.MinPiece)
	ada.holds(small)
	if _, err := ada.executor.Store.Put(large); err != nil {
		t.Fatal(err)
	}
	readers := map[jobs.Role]*reader{}
	for _, role := range []jobs.Role{jobs.Worker, jobs.Submitter, jobs.Operator, jobs.Coordinator} {
		readers[role] = g.reader(role)
	}
	check := func(when string, shared bool) {
		t.Helper()
		for role, r := range readers {
			for _, data := range [][]byte{small, large} {
				if got, want := r.gets(ada, data), role == jobs.Coordinator; got != want {
					t.Errorf("%s: a %v gets a result of %d bytes: %v, want %v", when, role, len(data), got, want)
				}
				r.granted = true
				if got, want := r.gets(ada, data), shared || role == jobs.Coordinator; got != want {
					t.Errorf("%s: a %v with a grant gets a result of %d bytes: %v, want %v", when, role, len(data), got, want)
				}
				r.granted = false
			}
		}
		if n := len(ada.shared.list()); (n > 0) != shared {
			t.Errorf("%s: %d blobs are announced", when, n)
		}
	}
	check("when it was computed", false)
	ada.end()
	ada = g.worker(dir)
	check("after a restart", false)
	ids := [][]byte{}
	for _, data := range [][]byte{small, large} {
		id := blob.Of(data).ID()
		ids = append(ids, id[:])
	}
	ada.shared.add(&anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: ids[0]}, Data: []*anthillv1.DataFile{{Blob: &anthillv1.BlobRef{Id: ids[1]}}}})
	check("with a lease that reads it", true)
}

// Another worker's swarm ends empty-handed, and a coordinator's does not.
func TestSwarmsOfOtherWorkersGetNoResults(t *testing.T) {
	g := newGrid(t)
	ada, bruno := g.worker(g.directory("ada")), g.worker(g.directory("bruno"))
	result := []byte("result")
	id := ada.holds(result)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := bruno.base.Swarm.Fetch(ctx, id, 0, -1, ada.provider()); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, swarm.ErrUnavailable) {
		t.Errorf("a worker fetched a result: %v", err)
	}
	if got, _, err := bruno.base.Swarm.FetchSmall(t.Context(), []blob.ID{id}, ada.provider()); err != nil || got[0] != nil {
		t.Errorf("a worker fetched %q, %v", got[0], err)
	}
	ada.shared.add(&anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: id[:]}})
	bruno.base.Swarm.Grant(id, g.authority.Grant(ada.Node(), id, time.Now().Add(time.Hour)))
	if got, _, err := bruno.base.Swarm.FetchSmall(t.Context(), []blob.ID{id}, ada.provider()); err != nil || got[0] != nil {
		t.Errorf("by another's grant a worker fetched %q, %v", got[0], err)
	}
	bruno.base.Swarm.Grant(id, g.authority.Grant(bruno.Node(), id, time.Now().Add(time.Hour)))
	if got, _, err := bruno.base.Swarm.FetchSmall(t.Context(), []blob.ID{id}, ada.provider()); err != nil || !bytes.Equal(got[0], result) {
		t.Errorf("a worker fetched %q of an input, %v", got[0], err)
	}
}

// A node that took another's address is not asked: the question alone says what the
// result is.
func TestImpostorsAreNotAsked(t *testing.T) {
	g := newGrid(t)
	ada, bruno := g.worker(g.directory("ada")), g.worker(g.directory("bruno"))
	result := []byte("result")
	id := ada.holds(result)
	ada.shared.add(&anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: id[:]}})
	meant := ada.provider()
	bruno.base.Swarm.Grant(id, g.authority.Grant(bruno.Node(), id, time.Now().Add(time.Hour)))
	for node, want := range map[jobs.NodeID]bool{ada.Node(): true, bruno.Node(): false} {
		meant[0].Node = node
		got, _, err := bruno.base.Swarm.FetchSmall(t.Context(), []blob.ID{id}, meant)
		if err != nil || (got[0] != nil) != want {
			t.Errorf("asked at its address for node %s, ada sends %q, %v", node.Short(), got[0], err)
		}
	}
}

// Past the month's volume nothing is sent any more, except to coordinators what the
// worker has computed, even if the volume is used up while they get it.
func TestCoordinatorsGetResultsPastTheVolume(t *testing.T) {
	g := newGrid(t)
	metered := lent
	metered.Traffic.Monthly = 1 << 20
	ada := g.lending(g.directory("ada"), metered)
	small, large, input := []byte("small result"), bytes.Repeat([]byte("large"), blob.MinPiece), []byte("input")
	ada.holds(small)
	ada.holds(input)
	if _, err := ada.base.Store.Put(large); err != nil {
		t.Fatal(err)
	}
	id := blob.Of(input).ID()
	ada.shared.add(&anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: id[:]}})
	coordinator, worker := g.reader(jobs.Coordinator), g.reader(jobs.Worker)
	worker.granted = true
	if !worker.gets(ada, input) {
		t.Fatal("within the volume a worker gets no input")
	}
	store, err := blobstore.Open(blobstore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s, err := swarm.New(swarm.Config{Store: store, Dial: coordinator.pool.Dial})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Fetch(t.Context(), blob.Of(large).ID(), 0, -1, ada.provider()); err != nil {
		t.Errorf("a result that is as large as the volume: %v", err)
	}
	if ada.base.Volume.Err() == nil {
		t.Fatal("the volume is not used up")
	}
	for _, c := range []struct {
		name string
		by   *reader
		data []byte
		want bool
	}{
		{"coordinator, small result", coordinator, small, true}, {"coordinator, large result", coordinator, large, true},
		{"coordinator, input", coordinator, input, false}, {"worker, input", worker, input, false}, {"worker, result", worker, small, false},
	} {
		if got := c.by.gets(ada, c.data); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}
