package replica

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// BenchmarkSnapshot writes one of a large state: for how long applies stop, how long it
// takes in all, and how much more memory than the state has is in use meanwhile.
func BenchmarkSnapshot(b *testing.B) {
	for name, s := range map[string]func() *jobs.State{
		"finished=10M": func() *jobs.State { return largeState(10_000, 10, 1_000_000, 0) },
		"open=640k":    func() *jobs.State { return largeState(10_000, 1, 1_000_000, 640_000) },
	} {
		b.Run(name, func(b *testing.B) {
			f := newFSM()
			f.state = s()
			f.state.Reindex()
			runtime.GC()
			live, most, stops := heap(), uint64(0), time.Duration(0)
			for b.Loop() {
				began := time.Now()
				taken, err := f.Snapshot()
				stops = max(stops, time.Since(began))
				if err != nil {
					b.Fatal(err)
				}
				done := make(chan struct{})
				go func() {
					defer close(done)
					if err := taken.Persist(&nowhere{}); err != nil {
						b.Error(err)
					}
				}()
				for wait := true; wait; {
					select {
					case <-done:
						wait = false
					case <-time.After(5 * time.Millisecond):
						most = max(most, heap())
					}
				}
				taken.Release()
			}
			b.ReportMetric(float64(stops)/1e6, "stop-ms")
			b.ReportMetric(float64(most)/float64(live), "peak/live")
			b.ReportMetric(float64(live)/(1<<20), "live-MiB")
		})
	}
}

// nowhere is a sink that keeps nothing.
type nowhere struct{ sink }

func (*nowhere) Write(p []byte) (int, error) { return io.Discard.Write(p) }

func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// largeState has jobs of which so many tasks are finished and, of the first, so many open.
func largeState(workers, count, tasks, open int) *jobs.State {
	s := jobs.NewState()
	s.Apply(jobs.Command{At: 1, Found: &jobs.FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	s.Owners["o"] = &jobs.Owner{}
	for i := range workers {
		id := jobs.NodeID(fmt.Sprintf("%032x", i))
		s.Nodes[id] = &jobs.Node{Role: jobs.Worker, Owner: "o", Number: jobs.NodeNumber(i + 1), Reliability: jobs.One}
		s.Numbered = append(s.Numbered, id)
	}
	for k := range count {
		j := &jobs.Job{
			Spec:  jobs.Spec{Input: jobs.Input{Range: &jobs.Range{To: int64(tasks), Step: 1}}},
			Owner: "operator", State: jobs.JobSucceeded, Next: jobs.Place(tasks), Open: map[jobs.Place]*jobs.Task{},
			Closed: make([]jobs.ClosedTask, tasks), Seed: 1, Draws: 1, Steady: true,
		}
		if open > 0 {
			j.State = jobs.JobRunning
		}
		for i := range tasks {
			if i >= tasks-open {
				j.Open[jobs.Place(i)] = &jobs.Task{Attempts: []jobs.Attempt{{
					Lease: jobs.LeaseID(i), Worker: s.Numbered[i%workers], Owner: "o", State: jobs.AttemptRunning, Expires: 1 << 40,
				}}}
				continue
			}
			c := &j.Closed[i]
			c.Output = blob.Ref{Size: 8}
			binary.BigEndian.PutUint64(c.Output.ID[:], uint64(i+1))
			c.Holders, c.Voters, c.Sequence = 7, [2]jobs.NodeNumber{jobs.NodeNumber(i%workers + 1)}, jobs.Sequence(len(j.Order))
			j.Order = append(j.Order, jobs.Place(i))
			j.Count++
		}
		s.Jobs[jobs.JobID(fmt.Sprint("job-", k))] = j
	}
	return s
}
