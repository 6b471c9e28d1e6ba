package logbook

import (
	"container/list"
	"sync"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// waitingBytes bounds the logs of attempts that gave a result. They are kept in memory for as
// long as there is room: until somebody says otherwise of the task, if anybody ever does.
const waitingBytes = 32 << 20

// task names one.
type task struct {
	job   jobs.JobID
	index uint32
}

// Waiting are logs that are worth keeping once their tasks are disputed.
type Waiting struct {
	mu    sync.Mutex
	order *list.List // of *waiter, the oldest first
	tasks map[task][]*list.Element
	bytes int64
}

type waiter struct {
	task task
	log  *anthillv1.StreamLogsResponse
	head []byte // of the attempt's output, if that is large
}

func (w *waiter) weight() int64 { return weight(w.log) + int64(len(w.head)) }

// NewWaiting begins with none.
func NewWaiting() *Waiting { return &Waiting{order: list.New(), tasks: map[task][]*list.Element{}} }

// Add adds one, with the first bytes of the attempt's output where that is large, and forgets
// the oldest where there is no room.
func (w *Waiting) Add(job jobs.JobID, log *anthillv1.StreamLogsResponse, head []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := task{job, log.GetTask()}
	added := &waiter{t, log, head}
	w.tasks[t] = append(w.tasks[t], w.order.PushBack(added))
	for w.bytes += added.weight(); w.bytes > waitingBytes; {
		w.remove(w.order.Front().Value.(*waiter).task)
	}
}

// Head is what was added of a worker's output for a task, or nil.
func (w *Waiting) Head(job jobs.JobID, index uint32, worker jobs.NodeID) []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, element := range w.tasks[task{job, index}] {
		if added := element.Value.(*waiter); added.log.GetNodeId() == string(worker) {
			return added.head
		}
	}
	return nil
}

// Take takes those of a task.
func (w *Waiting) Take(job jobs.JobID, index uint32) (logs []*anthillv1.StreamLogsResponse) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.remove(task{job, index})
}

func (w *Waiting) remove(t task) (logs []*anthillv1.StreamLogsResponse) {
	for _, element := range w.tasks[t] {
		taken := w.order.Remove(element).(*waiter)
		w.bytes -= taken.weight()
		logs = append(logs, taken.log)
	}
	delete(w.tasks, t)
	return logs
}
