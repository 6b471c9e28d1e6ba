package worker

import (
	"context"
	"fmt"

	"golang.org/x/sync/semaphore"

	"github.com/anthill-grid/anthill/worker/executor"
)

// memory is what a donor lends of it, shared out among the attempts that run: one that
// does not fit beside the others waits for its turn, and one that does not fit alone is
// declined.
type memory struct {
	size int64 // 0: any number of bytes
	free *semaphore.Weighted
}

func newMemory(size int64) *memory { return &memory{size, semaphore.NewWeighted(size)} }

// take waits for as much as an attempt may need; give is to be called after it.
func (m *memory) take(ctx context.Context, a *executor.Attempt) (give func(), err error) {
	need := a.Memory()
	switch {
	case m.size == 0:
		return func() {}, nil
	case need > m.size:
		return nil, tooLarge{need, m.size}
	}
	if err := m.free.Acquire(ctx, need); err != nil {
		return nil, err
	}
	return func() { m.free.Release(need) }, nil
}

// tooLarge is of an attempt that takes more memory than is lent.
type tooLarge struct{ need, lent int64 }

func (e tooLarge) Error() string {
	return fmt.Sprintf("it takes %d MiB of memory, and the worker's donor lends %d MiB", e.need>>20, e.lent>>20)
}
