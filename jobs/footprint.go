package jobs

// childMemory is what a task's process takes beside the guest's linear memory: the engine,
// the compiled module, the runtime's heap.
const childMemory = 128 << 20

// Footprint is how many bytes of a worker's memory an attempt may take: the guest's linear
// memory, its process, and what it reads and writes, each of which the worker holds and
// the process once more.
func (s Spec) Footprint(shard int64) int64 {
	return s.Limits.Memory + childMemory + 2*(shard+s.Limits.Output)
}

// LikelyShard is about how many bytes a task reads, as far as the spec tells: where an
// index tells it, the mean. The worker knows it exactly once it has the index.
func (s Spec) LikelyShard() int64 {
	b := s.Input.Blob
	switch {
	case b == nil:
		return 0
	case b.Index == nil:
		return min(b.ShardSize, b.Blob.Size)
	}
	return min(b.Blob.Size/max(1, s.Input.Tasks()), MaxShard)
}
