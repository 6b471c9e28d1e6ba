package desk

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// A node that is reported is looked at where it said that it serves, once an hour for
// each owner that reports it.
func TestTheLeaderLooksAtNodesThatAreReported(t *testing.T) {
	d, b := idleDesk(), blob.Of([]byte("b")).ID()
	probed := make(chan swarm.Provider, 1)
	d.prober.probe = func(_ context.Context, id blob.ID, p swarm.Provider) error {
		if id != b {
			t.Errorf("probed for blob %v", id)
		}
		probed <- p
		return errors.New("it lied")
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() { d.loopProbes(ctx); close(ended) }()
	expect := func(node jobs.NodeID, want swarm.Provider) {
		t.Helper()
		d.Probe("ada", node, b)
		select {
		case got := <-probed:
			if got != want {
				t.Errorf("%s was looked for at %+v, want %+v", node, got, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s was not probed", node)
		}
	}
	d.workers["w"] = &worker{address: "w:1"}
	if _, err := d.Introduce("sue", at("s:1"), []Announcement{{Blob: b}}); err != nil {
		t.Fatal(err)
	}
	expect("w", swarm.Provider{Address: "w:1", Role: jobs.Worker, Node: "w"})
	expect("sue", swarm.Provider{Address: "s:1", Role: jobs.Submitter, Node: "sue"})
	d.Probe("ada", "w", b)
	d.Probe("ada", "nobody", b)
	d.prober.probed[reported{"sue", "ada"}] = time.Now().Add(-probeEvery)
	expect("sue", swarm.Provider{Address: "s:1", Role: jobs.Submitter, Node: "sue"})
	d.Probe("bob", "w", b) // whose look is still to come
	select {
	case <-probed:
	case <-time.After(5 * time.Second):
		t.Fatal("another owner's report is not looked into")
	}
	if len(d.prober.queue)+len(probed) != 0 {
		t.Error("somebody was probed again, or who is nowhere")
	}
	cancel()
	<-ended
	for i := range 2 * maxProbes { // nobody looks, and nobody waits for that
		id := jobs.NodeID(fmt.Sprint("w", i))
		d.workers[id] = &worker{address: "w:1"}
		d.Probe("ada", id, b)
	}
	if len(d.prober.queue) != maxProbes {
		t.Errorf("%d wait", len(d.prober.queue))
	}
}
