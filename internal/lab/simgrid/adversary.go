package simgrid

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/jobs"
)

// Adversary is what liars know, and how they use it. All of them have one mind: a liar
// who comes to a task on which another one has lied says the same.
type Adversary string

// The adversaries. But for the first two they see every attempt at their tasks, and lie
// only where nobody honest is at one when they answer.
const (
	Blind     Adversary = "blind"       // they lie on a share of the tasks, whoever else has them
	Checker   Adversary = "checker"     // they are honest until they check somebody honest, and lie then
	Seeing    Adversary = "seeing"      // they lie on a share of the others
	Late      Adversary = "late"        // seeing, and honest in the first half of a job
	Grown     Adversary = "grown"       // seeing, and all owners bring the checks of many earlier jobs
	Best      Adversary = "best"        // seeing, and each lies just as often as the rule makes worth while
	HitAndRun Adversary = "hit-and-run" // as Best, and they return as newcomers once they are banned
	Killer    Adversary = "killer"      // they say that a task was killed at its limits, instead of lying
)

// Adversaries are all of them, in the order in which tables show them.
var Adversaries = []Adversary{Blind, Checker, Seeing, Late, Grown, Best, HitAndRun, Killer}

// grown is how many checks of earlier jobs everybody has in a grown grid.
const grown = 100_000

func (a Adversary) check() error {
	if slices.Contains(Adversaries, a) {
		return nil
	}
	names := make([]string, len(Adversaries))
	for i, known := range Adversaries {
		names[i] = string(known)
	}
	return fmt.Errorf("adversary: %q is none: want one of %s", a, strings.Join(names, ", "))
}

// scene is what liars see of a task when one of them answers.
type scene struct {
	honest   bool // somebody honest is at it, or has answered
	accuses  bool // somebody honest has answered, and nobody else
	lied     bool // one of them has lied about it
	progress float64
}

// scene looks at the task that a worker has a lease for.
func (p *play) scene(w *worker) scene {
	s := scene{progress: float64(p.job.Next) / float64(p.job.Total())}
	task := w.attempt.task
	place := p.job.PlaceOf(task)
	for _, node := range p.Supporters(p.job, place) {
		s.meet(p.byNode[node], false)
	}
	if t := p.job.Open[place]; t != nil {
		for i := range t.Attempts {
			a := &t.Attempts[i]
			if a.Worker == w.node || a.State == jobs.AttemptVoid {
				continue
			}
			s.meet(p.byNode[a.Worker], a.State == jobs.AttemptVoted && a.Vote.Output != result(task, right))
		}
	}
	if c := &p.job.Closed[place]; c.Output.Size > 0 && c.Output != result(task, right) {
		s.lied = true
	}
	s.accuses = s.honest && !s.lied
	return s
}

func (s *scene) meet(other *worker, lied bool) {
	s.honest = s.honest || !other.liar
	s.lied = s.lied || lied
}

// liesAbout says whether a liar lies about a task.
func (c *crowd) liesAbout(w *worker, task jobs.Index, s scene) bool {
	switch c.Adversary {
	case Blind, Killer:
		return c.cheats(w, task)
	case Checker:
		return s.accuses && c.cheats(w, task)
	}
	switch {
	case s.honest:
		return false
	case s.lied:
		return true
	case c.Adversary == Late:
		return s.progress >= 0.5 && c.cheats(w, task)
	case c.Adversary == Best || c.Adversary == HitAndRun:
		return w.lies < c.quota() && s.progress >= w.begins
	}
	return c.cheats(w, task)
}

// quota is how many lies in a job are worth most to a liar of whose n results a share d'
// is checked by honest owners: m(1-d')^m is greatest at about (1-d')/d', and the rule of
// steady checks makes that max_error·e·n/f.
func (c *crowd) quota() int {
	n := float64(c.Tasks) / float64(c.Workers)
	return max(1, int(math.Round(c.MaxError*math.E*n/c.Saboteurs)))
}
