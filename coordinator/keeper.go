package coordinator

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// keepEvery is the shortest time between two looks at the state.
	keepEvery = 20 * time.Millisecond
	// keepRetry is for how long the keeper leaves alone what it could not get.
	keepRetry = 500 * time.Millisecond
	// keepBatch bounds how many results are fetched in one go.
	keepBatch = 256
)

// keeper copies to this coordinator's disk what must outlive the nodes that
// have it: accepted results, and bundle and input of running jobs. What it has,
// it confirms to the leader.
type keeper struct {
	node    jobs.NodeID
	replica *replica.Replica
	store   *blobstore.Store
	swarm   *swarm.Swarm
	// inline gives outputs that came with reports to this coordinator.
	inline func(blob.ID) []byte
	// confirm tells the leader what is held.
	confirm func(context.Context, jobs.ConfirmHeld) error
	// address finds a node on the network; "" if it is not known.
	address func(jobs.NodeID) string
	logger  *slog.Logger

	mu     sync.Mutex
	inputs map[blob.ID]int // blobs of unfinished jobs, by the number of jobs
	taken  map[jobs.JobID]bool
	// cursor[job] is how far the job's order of results has been copied.
	cursor map[jobs.JobID]int
}

// wanted is an accepted result that is to be copied.
type wanted struct {
	job     jobs.JobID
	task    uint32
	output  blob.Ref
	holders []jobs.NodeID // who is known to have it

}

// run copies until ctx ends.
func (k *keeper) run(ctx context.Context) {
	var inputs sync.WaitGroup
	defer inputs.Wait()
	for ctx.Err() == nil {
		changed := k.replica.Changed()
		k.keepInputs(ctx, &inputs)
		wait := time.Second
		if !k.keepResults(ctx) {
			wait = keepRetry
			changed = nil
		}
		sleep(ctx, keepEvery)
		select {
		case <-changed:
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// keepResults copies what was accepted since the last time, and says whether
// it got everything.
func (k *keeper) keepResults(ctx context.Context) bool {
	complete := true
	for _, id := range k.unread() {
		for {
			list, next := k.pending(id)
			if len(list) == 0 {
				break
			}
			held := k.fetch(ctx, list)
			if err := k.confirmResults(ctx, id, held); err != nil || len(held) < len(list) {
				complete = false
				break
			}
			k.cursor[id] = next
		}
	}
	return complete
}

// unread are the jobs with results beyond the cursor.
func (k *keeper) unread() []jobs.JobID {
	var list []jobs.JobID
	k.replica.View(func(s *jobs.State) {
		for id, j := range s.Jobs {
			if k.cursor[id] < len(j.Order) {
				list = append(list, id)
			}
		}
	})
	return list
}

// pending are results from the cursor on that this coordinator has not got or
// not confirmed, and where the cursor is after them.
func (k *keeper) pending(id jobs.JobID) (list []wanted, next int) {
	k.replica.View(func(s *jobs.State) {
		j := s.Jobs[id]
		for next = k.cursor[id]; next < len(j.Order) && len(list) < keepBatch; next++ {
			task := j.Order[next]
			if id := j.Closed[task].Output.ID; s.Holds(j, task, k.node) && k.store.Complete(id) {
				k.store.Pin(id) // held since before the start
				continue
			}
			list = append(list, wanted{job: id, task: task, output: j.Closed[task].Output, holders: k.holders(s, j, task)})
		}
	})
	if len(list) == 0 {
		k.cursor[id] = next
	}
	return list, next
}

// holders are other coordinators that hold a result, and the workers who
// computed it.
func (k *keeper) holders(s *jobs.State, j *jobs.Job, task uint32) []jobs.NodeID {
	nodes := append([]jobs.NodeID(nil), j.Unheld[task]...)
	for _, id := range s.Holders {
		if id != k.node && s.Holds(j, task, id) {
			nodes = append(nodes, id)
		}
	}
	return nodes
}

// fetch brings results to the disk and returns those that are there then.
func (k *keeper) fetch(ctx context.Context, list []wanted) []wanted {
	var held, small []wanted
	for _, w := range list {
		switch {
		case k.store.Complete(w.output.ID):
			held = append(held, w)
		case w.output.Size <= blob.MinPiece:
			small = append(small, w)
		default:
			if k.fetchLarge(ctx, w) {
				held = append(held, w)
			}
		}
	}
	return append(held, k.fetchSmall(ctx, small)...)
}

func (k *keeper) fetchLarge(ctx context.Context, w wanted) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if _, err := k.swarm.Fetch(ctx, w.output.ID, 0, -1, k.providers(w.holders)); err != nil {
		k.logger.Debug("copy result", "job", w.job, "task", w.task, "error", err)
		return false
	}
	if err := k.store.Sync(w.output.ID); err != nil {
		k.logger.Error("copy result", "job", w.job, "task", w.task, "error", err)
		return false
	}
	k.store.Pin(w.output.ID)
	return true
}

// fetchSmall takes small results from the reports that came here, and asks
// their holders for the rest, many in one stream. All are stored together.
func (k *keeper) fetchSmall(ctx context.Context, list []wanted) []wanted {
	data := make([][]byte, len(list))
	missing := map[string][]int{} // by a holder's address
	var addresses []string
	for i, w := range list {
		if data[i] = k.inline(w.output.ID); data[i] != nil || w.output.Size == 0 {
			continue
		}
		for _, p := range k.providers(w.holders) {
			if missing[p.Address] == nil {
				addresses = append(addresses, p.Address)
			}
			missing[p.Address] = append(missing[p.Address], i)
		}
	}
	for _, address := range addresses {
		k.ask(ctx, address, missing[address], list, data)
	}
	return k.storeAll(list, data)
}

// ask fills in what one peer has of the results at these places.
func (k *keeper) ask(ctx context.Context, address string, places []int, list []wanted, data [][]byte) {
	var ids []blob.ID
	var at []int
	for _, i := range places {
		if data[i] == nil {
			ids = append(ids, list[i].output.ID)
			at = append(at, i)
		}
	}
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	got, _, err := k.swarm.FetchSmall(ctx, ids, []swarm.Provider{{Address: address, Role: jobs.Worker}})
	if err != nil {
		k.logger.Debug("copy results", "from", address, "error", err)
		return
	}
	for n, d := range got {
		data[at[n]] = d
	}
}

func (k *keeper) storeAll(list []wanted, data [][]byte) []wanted {
	var held []wanted
	var blobs [][]byte
	for i, w := range list {
		if data[i] != nil || w.output.Size == 0 {
			held, blobs = append(held, w), append(blobs, data[i])
		}
	}
	if len(blobs) == 0 {
		return nil
	}
	if _, err := k.store.PutMany(blobs); err != nil {
		k.logger.Error("store results", "error", err)
		return nil
	}
	for _, w := range held {
		k.store.Pin(w.output.ID)
	}
	return held
}

func (k *keeper) confirmResults(ctx context.Context, id jobs.JobID, held []wanted) error {
	if len(held) == 0 {
		return nil
	}
	h := jobs.HeldResults{Job: id}
	for _, w := range held {
		h.Tasks = append(h.Tasks, w.task)
	}
	return k.confirm(ctx, jobs.ConfirmHeld{Coordinator: k.node, Results: []jobs.HeldResults{h}})
}

func (k *keeper) providers(nodes []jobs.NodeID) []swarm.Provider {
	var list []swarm.Provider
	for _, id := range nodes {
		if a := k.address(id); a != "" {
			list = append(list, swarm.Provider{Address: a, Role: jobs.Worker})
		}
	}
	return list
}

// Result implements rpc.Results.
func (k *keeper) Result(ref blob.Ref) ([]byte, bool) {
	if !k.store.Complete(ref.ID) {
		return nil, false
	}
	if ref.Size > blob.MinPiece {
		return nil, true
	}
	data, err := k.store.ReadRange(ref.ID, 0, -1)
	if err != nil {
		k.logger.Warn("read result", "blob", ref.ID, "error", err)
		return nil, false
	}
	return data, true
}

// keepInputs starts copying the blobs of new jobs, and lets those of finished
// ones go.
func (k *keeper) keepInputs(ctx context.Context, copies *sync.WaitGroup) {
	running := map[jobs.JobID]*jobs.Job{}
	k.replica.View(func(s *jobs.State) {
		for _, id := range s.Running() {
			running[id] = &jobs.Job{Spec: s.Jobs[id].Spec, Provider: s.Jobs[id].Provider}
		}
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, j := range running {
		if !k.taken[id] {
			k.taken[id] = true
			k.count(j.Spec.Blobs(), 1)
			copies.Go(func() { k.copyInput(ctx, id, j) })
		}
	}
	k.release(running)
}

// count pins or unpins the blobs of a job. It is called with mu held.
func (k *keeper) count(refs []blob.Ref, by int) {
	for _, r := range refs {
		k.inputs[r.ID] += by
		if by > 0 {
			k.store.Pin(r.ID)
		} else {
			k.store.Unpin(r.ID)
		}
		if k.inputs[r.ID] == 0 {
			delete(k.inputs, r.ID)
		}
	}
}

func (k *keeper) release(running map[jobs.JobID]*jobs.Job) {
	for id := range k.taken {
		if running[id] != nil {
			continue
		}
		delete(k.taken, id)
		k.replica.View(func(s *jobs.State) {
			if j := s.Jobs[id]; j != nil {
				k.count(j.Spec.Blobs(), -1)
			}
		})
	}
}

// isInput says whether a blob belongs to an unfinished job: what workers may
// read here. Results they may not.
func (k *keeper) isInput(id blob.ID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.inputs[id] > 0
}

// copyInput gets a job's blobs and confirms them, again and again until that
// succeeds or the job is over.
func (k *keeper) copyInput(ctx context.Context, id jobs.JobID, j *jobs.Job) {
	for ctx.Err() == nil && k.unfinished(id) {
		err := k.copyBlobs(ctx, j)
		if err == nil {
			err = k.confirm(ctx, jobs.ConfirmHeld{Coordinator: k.node, Inputs: []jobs.JobID{id}})
		}
		if err == nil {
			return
		}
		k.logger.Debug("copy input", "job", id, "error", err)
		sleep(ctx, keepRetry)
	}
}

func (k *keeper) unfinished(id jobs.JobID) (yes bool) {
	k.replica.View(func(s *jobs.State) { yes = s.Jobs[id] != nil && s.Jobs[id].State == jobs.JobRunning })
	return yes
}

func (k *keeper) copyBlobs(ctx context.Context, j *jobs.Job) error {
	var providers []swarm.Provider
	if j.Provider != "" {
		providers = append(providers, swarm.Provider{Address: j.Provider, Role: jobs.Submitter})
	}
	for _, v := range k.replica.Voters() {
		if v.Node != k.node {
			providers = append(providers, swarm.Provider{Address: v.Address, Role: jobs.Coordinator})
		}
	}
	for _, r := range j.Spec.Blobs() {
		if k.store.Complete(r.ID) {
			continue
		}
		if _, err := k.swarm.Fetch(ctx, r.ID, 0, -1, providers); err != nil {
			return err
		}
		if err := k.store.Sync(r.ID); err != nil {
			return err
		}
	}
	return nil
}
