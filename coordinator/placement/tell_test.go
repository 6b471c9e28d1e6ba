package placement

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// shift is a job that workers of as many owners work off, batch leases at a time.
// It keeps count of what each of them can see of its leases.
type shift struct {
	*grid
	job       *jobs.Job
	rand      *rand.Rand
	per       uint32 // tasks that read one piece of the input
	batch     int
	held      [][]jobs.Grant
	wrong     map[jobs.LeaseID]bool
	seen      []map[uint32]bool           // pieces, by worker
	newest    []uint32                    // the last that was new to it
	fetched   int                         // pieces, by all
	kinds     [tenths][3]tell             // by how much of the job is open: checks come early
	low, high tell                        // by halves of the input
	lies      func(worker, kind int) bool // nil: nobody does
	fruitless int
}

// What a piece is to the worker whose task reads it.
const (
	fresh = iota // it has had no task of this piece
	going        // it is the newest piece that it has had
	left         // it has had tasks of others since
)

// tenths of a job.
const tenths = 10

// tell is what a kind of lease tells: how many of them are second opinions.
type tell struct{ leases, checks float64 }

func (t *tell) add(check bool) {
	t.leases++
	if check {
		t.checks++
	}
}

func (t tell) rate() float64 { return t.checks / max(1, t.leases) }

func newShift(workers int, per uint32, batch int, seed uint64) *shift {
	const tasks = 8192
	s := &shift{
		grid: newGrid(), rand: rand.New(rand.NewPCG(seed, 1)), per: per, batch: batch,
		held: make([][]jobs.Grant, workers), wrong: map[jobs.LeaseID]bool{}, newest: make([]uint32, workers),
	}
	s.draw = rand.New(rand.NewPCG(seed, 2))
	for i := range workers {
		s.admitAt(fmt.Sprint("w", i), fmt.Sprint("o", i), fmt.Sprintf("10.%d.0.1:1", i))
		s.seen = append(s.seen, map[uint32]bool{})
	}
	spec := jobs.Spec{
		Name: "j", Bundle: blob.Ref{ID: blob.ID{1}, Size: 1}, Trust: jobs.Trust{MaxError: jobs.One / 1000},
		Input: jobs.Input{Blob: &jobs.BlobInput{
			Blob: blob.Ref{ID: blob.ID{2}, Size: tasks / int64(per) * blob.MinPiece}, ShardSize: blob.MinPiece / int64(per),
		}},
	}
	s.must(jobs.Command{Submit: &jobs.SubmitJob{Job: "j", Spec: spec.WithDefaults(), Submitter: "op", Seed: seed + 77}})
	s.job = s.Jobs["j"]
	return s
}

// turn has some worker end what it holds and ask for more.
func (s *shift) turn() {
	w := s.rand.IntN(len(s.held))
	for _, g := range s.held[w] {
		s.now++
		if s.wrong[g.Lease] {
			s.end(g, fmt.Sprint("wrong ", g.Place))
		} else {
			s.end(g, fmt.Sprint("right ", g.Place))
		}
	}
	next := s.job.Next
	s.held[w] = s.plan(fmt.Sprintf("w%d %d", w, s.batch))
	s.must(jobs.Command{Grant: &jobs.GrantLeases{Grants: s.held[w], Expires: s.now + 1<<40}})
	for _, g := range s.held[w] {
		s.look(w, g, g.Place < next)
	}
	s.fruitless++
	if len(s.held[w]) > 0 {
		s.fruitless = 0
	}
}

// look is what a worker sees of a lease.
func (s *shift) look(w int, g jobs.Grant, check bool) {
	task := uint32(s.job.TaskAt(g.Place))
	piece, kind := task/s.per, going
	switch {
	case !s.seen[w][piece]:
		kind = fresh
		s.fetched++
		s.seen[w][piece], s.newest[w] = true, piece
	case piece != s.newest[w]:
		kind = left
	}
	s.kinds[min(tenths-1, int(s.job.Next)*tenths/s.job.Total())][kind].add(check)
	if int(task) < s.job.Total()/2 {
		s.low.add(check)
	} else {
		s.high.add(check)
	}
	s.wrong[g.Lease] = s.lies != nil && s.lies(w, kind)
}

// leftChecks counts the second opinions among the leases in pieces that their
// workers had left, and how many there would be if those leases were as any other
// of the same tenth of the job.
func (s *shift) leftChecks() (got, blind float64) {
	for _, k := range s.kinds {
		all := tell{k[fresh].leases + k[going].leases + k[left].leases, k[fresh].checks + k[going].checks + k[left].checks}
		got += k[left].checks
		blind += k[left].leases * all.rate()
	}
	return got, blind
}

// open goes on until all tasks are open; what comes then is a second opinion
// anyway.
func (s *shift) open() *shift {
	for int(s.job.Next) < s.job.Total() {
		s.turn()
	}
	return s
}

// finish goes on until the job ends, or nobody gets anything any more.
func (s *shift) finish() *shift {
	for s.job.State == jobs.JobRunning && s.fruitless < 20*len(s.held) {
		s.turn()
	}
	return s
}

// wrongShare is the share of wrong results among those accepted.
func (s *shift) wrongShare() float64 {
	wrong := 0
	for _, c := range s.job.Closed {
		if c.Output.ID[0] == 'w' {
			wrong++
		}
	}
	return float64(wrong) / float64(s.job.Total())
}

// TestPartsOfTheInputDoNotTell: whatever part of the input a worker chooses
// beforehand, its leases there are second opinions as often as its others. Who
// makes placement look at what workers say they have must keep that.
func TestPartsOfTheInputDoNotTell(t *testing.T) {
	t.Parallel()
	for _, per := range []uint32{1, 16} {
		var low, high tell
		for seed := range uint64(3) {
			s := newShift(20, per, 1, seed).open()
			low = tell{low.leases + s.low.leases, low.checks + s.low.checks}
			high = tell{high.leases + s.high.leases, high.checks + s.high.checks}
		}
		if n := low.leases + high.leases; n < 20_000 || low.checks+high.checks < 1000 {
			t.Fatalf("%v leases, %v of them second opinions, say too little", n, low.checks+high.checks)
		}
		if ratio := low.rate() / high.rate(); ratio < 0.87 || ratio > 1.15 {
			t.Errorf("%d tasks a piece: %.4f of the leases in one half of the input are second opinions, %.4f of those in the other",
				per, low.rate(), high.rate())
		}
	}
}

// TestPiecesDoNotTell: that a worker had tasks of the same piece of the input, and
// of others since, does not make a lease more likely a second opinion. If runs of
// tasks of one piece were opened one after the other, nearly all of those would be.
func TestPiecesDoNotTell(t *testing.T) {
	t.Parallel()
	for _, per := range []uint32{16, 64} {
		var got, blind float64
		for seed := range uint64(4) {
			g, b := newShift(20, per, 1, seed).open().leftChecks()
			got, blind = got+g, blind+b
		}
		if blind < 400 {
			t.Fatalf("%d tasks a piece: %.0f second opinions say too little", per, blind)
		}
		if ratio := got / blind; ratio < 0.85 || ratio > 1.15 {
			t.Errorf("%d tasks a piece: of the leases in pieces that workers had left, %.0f are second opinions, and blindly drawn %.0f would be", per, got, blind)
		}
	}
}

// BenchmarkTell says how many second opinions there are among the leases in pieces
// that their workers had left, against as many as if the piece told nothing; and how
// often the input is fetched in all.
func BenchmarkTell(b *testing.B) {
	for _, workers := range []int{4, 20} {
		for _, per := range []uint32{4, 16, 64} {
			for _, batch := range []int{1, 8} {
				b.Run(fmt.Sprintf("workers=%d/per=%d/batch=%d", workers, per, batch), func(b *testing.B) {
					var s *shift
					for b.Loop() {
						s = newShift(workers, per, batch, 1).open()
					}
					got, blind := s.leftChecks()
					b.ReportMetric(got/blind, "checks/blind")
					b.ReportMetric(float64(s.fetched)*float64(per)/float64(s.job.Total()), "inputs-fetched")
				})
			}
		}
	}
}

// BenchmarkLiarsWhoLook compares liars, a fifth of 20 workers, who lie about one
// task in so many with others who do so where they had no task of the piece, or
// are at it, only. The job asks for at most 0.001.
func BenchmarkLiarsWhoLook(b *testing.B) {
	const jobsPlayed = 100
	for _, in := range []int{50, 25} {
		for _, look := range []bool{false, true} {
			b.Run(fmt.Sprintf("one-in=%d/look=%v", in, look), func(b *testing.B) {
				wrong := 0.0
				for b.Loop() {
					wrong = 0
					for seed := range uint64(jobsPlayed) {
						s := newShift(20, 64, 1, seed)
						s.lies = func(w, kind int) bool {
							return w < 4 && s.rand.IntN(in) == 0 && !(look && kind == left)
						}
						wrong += s.finish().wrongShare() / jobsPlayed
					}
				}
				b.ReportMetric(wrong, "wrong/job")
			})
		}
	}
}
