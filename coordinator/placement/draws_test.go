package placement

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// draws is a model of what placement does not do, so that RATIONALE.md can say
// why: a worker gets, of as many tasks drawn at random as this says, one of which
// it claims to have the piece. Whether it gets a fresh task or a second opinion
// was decided before.
type draws struct{ fresh, second int }

// model is a job of one task or more to each piece of an input.
type model struct {
	draws
	rand   *rand.Rand
	per    int
	claims func(worker, piece int) bool
	closed []int   // tasks that nobody has opened
	opened [][]int // by worker
	by     []int   // who has opened a task
	each   func(worker, task int, check bool)
}

// oneIn says of how many leases one is a second opinion.
const oneIn = 20

func (m *model) play() {
	for len(m.closed) > 0 {
		w := m.rand.IntN(len(m.opened))
		if m.rand.IntN(oneIn) > 0 {
			m.open(w)
		} else if task := m.best(w, m.second, m.others); task >= 0 {
			m.each(w, task, true)
		}
	}
}

// best is the task that a worker gets of some that are drawn, or -1.
func (m *model) best(w, draws int, draw func(worker int) int) int {
	best := -1
	for range draws {
		if task := draw(w); task >= 0 && (best < 0 || !m.claims(w, best/m.per) && m.claims(w, task/m.per)) {
			best = task
		}
	}
	return best
}

// others draws a task that another worker has opened.
func (m *model) others(w int) int {
	by := m.rand.IntN(len(m.opened))
	if by == w || len(m.opened[by]) == 0 {
		return -1
	}
	return m.opened[by][m.rand.IntN(len(m.opened[by]))]
}

func (m *model) open(w int) {
	at := map[int]int{}
	task := m.best(w, m.fresh, func(int) int {
		i := m.rand.IntN(len(m.closed))
		at[m.closed[i]] = i
		return m.closed[i]
	})
	last := len(m.closed) - 1
	m.closed[at[task]] = m.closed[last]
	m.closed = m.closed[:last]
	m.opened[w] = append(m.opened[w], task)
	m.by[task] = w
	m.each(w, task, false)
}

const modelPieces = 2000

func newModel(d draws, workers, per int, r *rand.Rand) *model {
	return &model{
		draws: d, rand: r, per: per, closed: r.Perm(modelPieces * per), opened: make([][]int, workers),
		by:     make([]int, modelPieces*per),
		claims: func(_, _ int) bool { return false }, each: func(_, _ int, _ bool) {},
	}
}

// secondJob is how often the input is fetched in all for a job on an input that
// a job before has read, with workers who say what they have.
func secondJob(d draws, workers, per int, r *rand.Rand) float64 {
	has, fetched := map[[2]int]bool{}, 0
	read := func(w, task int, _ bool) {
		if at := [2]int{w, task / per}; !has[at] {
			has[at] = true
			fetched++
		}
	}
	m := newModel(draws{1, 1}, workers, per, r)
	m.each = read
	m.play()
	fetched = 0
	m = newModel(d, workers, per, r)
	m.each, m.claims = read, func(w, piece int) bool { return has[[2]int{w, piece}] }
	m.play()
	return float64(fetched) / modelPieces
}

// gang is how many leases of a fifth of the workers, who claim to have the same
// half of the input, are second opinions, in that half and in the other, and what
// share of these are on what an accomplice said. Nobody else claims anything.
func gang(d draws, workers int, r *rand.Rand) (inside, outside tell, met float64) {
	size := workers / 5
	for range 100 {
		m := newModel(d, workers, 1, r)
		m.claims = func(w, piece int) bool { return w < size && piece < modelPieces/2 }
		m.each = func(w, task int, check bool) {
			if w >= size {
				return
			}
			if task < modelPieces/2 {
				inside.add(check)
			} else {
				outside.add(check)
			}
			if check && m.by[task] < size {
				met++
			}
		}
		m.play()
	}
	return inside, outside, met / (inside.checks + outside.checks)
}

// BenchmarkDraws prints what nearness among owners would save, and what it would tell.
func BenchmarkDraws(b *testing.B) {
	for _, workers := range []int{5, 10, 20, 50} {
		for _, d := range []draws{{1, 1}, {2, 1}, {3, 1}, {2, 2}} {
			b.Run(fmt.Sprintf("workers=%d/fresh=%d/second=%d", workers, d.fresh, d.second), func(b *testing.B) {
				r := rand.New(rand.NewPCG(1, 2))
				for b.Loop() {
					b.ReportMetric(secondJob(d, workers, 1, r), "inputs-fetched")
					b.ReportMetric(secondJob(d, workers, 4, r), "inputs-fetched-4-a-piece")
					inside, outside, met := gang(d, workers, r)
					b.ReportMetric(outside.rate()/inside.rate(), "checks-outside/inside")
					b.ReportMetric(met, "accomplices/check")
				}
			})
		}
	}
}
