package simgrid

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// crowd are the virtual workers: what they answer, and how long they take.
type crowd struct {
	Config
	seed    uint64
	rand    *rand.Rand
	workers []*worker
}

// worker is a virtual worker.
type worker struct {
	number     uint32
	liar, slow bool
	begins     float64 // lying, in shares of a job: Best
	answers    int
	lies       int // of the answers, in this job
	told       int // lies in all jobs
	membership
}

func newCrowd(cfg Config, seed uint64) *crowd {
	c := &crowd{Config: cfg, seed: seed, rand: rand.New(rand.NewPCG(seed, 0x616e7468696c6c))}
	for range cfg.Workers {
		c.add(false)
	}
	for _, i := range c.rand.Perm(cfg.Workers)[:part(cfg.Workers, cfg.Liars)] {
		c.workers[i].liar = true
	}
	for _, i := range c.rand.Perm(cfg.Workers)[:part(cfg.Workers, cfg.Slow)] {
		c.workers[i].slow = true
	}
	return c
}

func (c *crowd) add(liar bool) *worker {
	w := &worker{number: uint32(len(c.workers)), liar: liar, begins: float64(mix(c.seed+uint64(len(c.workers)))) / math.MaxUint64}
	c.workers = append(c.workers, w)
	return w
}

// answer is what a worker says of a task, right or not, who sees this of it.
func (c *crowd) answer(w *worker, task jobs.Index, s scene) blob.Ref {
	w.answers++
	if !w.liar || w.answers <= c.Sleeper || !c.liesAbout(w, task, s) {
		return result(task, right)
	}
	w.lies++
	w.told++
	if c.Independent {
		return result(task, ownLie+w.number)
	}
	return result(task, commonLie)
}

// cheats is drawn by a hash, so that liars need not meet in order to agree.
func (c *crowd) cheats(w *worker, task jobs.Index) bool {
	h := mix(mix(c.seed) + uint64(task))
	if c.Independent {
		h = mix(h + uint64(w.number) + 1)
	}
	return float64(h) < c.Cheat*math.MaxUint64 || c.Cheat == 1
}

// mix is the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// What a result says of its task.
const (
	right     uint32 = 0
	commonLie uint32 = 1
	ownLie    uint32 = 2 // and more: each liar's own
)

func result(task jobs.Index, says uint32) blob.Ref {
	r := blob.Ref{Size: 1}
	r.ID[0] = 1 // so that no id is zero
	binary.BigEndian.PutUint32(r.ID[4:], uint32(task))
	binary.BigEndian.PutUint32(r.ID[8:], says)
	return r
}

// minute is how long a task takes, in milliseconds, give or take a fifth.
const minute = 60_000

// lasts is how long a worker's next attempt takes, in milliseconds.
func (c *crowd) lasts(w *worker) int64 {
	ms := minute*4/5 + c.rand.Int64N(minute*2/5)
	if w.slow {
		ms *= 10
	}
	return ms
}

// crashes says whether a worker's next attempt never ends.
func (c *crowd) crashes() bool { return c.Crash > 0 && c.rand.Float64() < c.Crash }
