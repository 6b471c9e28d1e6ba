// Package simgrid plays a job through on virtual workers, some of which lie, and
// counts what the grid believed. The rules are not its own: it drives the
// jobs.State and the placement that coordinators run, on virtual time. All that
// happens follows from the configuration and a seed.
package simgrid

import (
	"errors"
	"fmt"
	"math"

	"github.com/anthill-grid/anthill/jobs"
)

// Policy is a way to decide what to believe.
type Policy string

// The policies.
const (
	Credibility Policy = "credibility" // the bound on wrong results
	Quorum2     Policy = "quorum2"     // 2 equal results
	Quorum3     Policy = "quorum3"     // 3 equal results
	BOINC       Policy = "boinc"       // adaptive replication, for comparison
)

// Policies are all policies, in the order in which tables show them.
var Policies = []Policy{Credibility, Quorum2, Quorum3, BOINC}

// Config is a grid, its liars and the job. Shares are between 0 and 1.
type Config struct {
	Workers, Tasks int
	// Liars is the share of workers that lie, and Cheat the share of tasks on
	// which they do. All of them lie about the same tasks and say the same,
	// unless they are Independent.
	Liars, Cheat float64
	Independent  bool
	// Adversary is what the liars know.
	Adversary Adversary
	// Earned is how many checks of earlier jobs all owners bring.
	Earned int
	// Jobs is how many jobs are played in one grid, one after the other; each with Tasks.
	Jobs int
	// Sleeper is the number of tasks that a liar does honestly at first.
	Sleeper int
	// Sybil liars return as newcomers as soon as they are banned.
	Sybil bool
	// Slow is the share of workers that take ten times as long, and Crash the
	// share of attempts that never end.
	Slow, Crash float64

	Policy Policy
	// MaxError is what the job asks for, under Credibility.
	MaxError float64
	// Saboteurs is the share of strangers that the grid takes for liars.
	Saboteurs float64
}

// Default is a grid of 200 workers, a fifth of them liars.
func Default() Config {
	return Config{
		Workers: 200, Tasks: 20_000, Liars: 0.2, Cheat: 0.1, Adversary: Blind, Jobs: 1,
		Policy: Credibility, MaxError: 1e-4, Saboteurs: 0.2,
	}
}

// Check says what is wrong with a configuration, or nil.
func (c Config) Check() error {
	switch {
	case c.Workers < 1 || c.Workers > 100_000:
		return fmt.Errorf("workers: %d is not between 1 and 100000", c.Workers)
	case c.Tasks < 1 || c.Tasks > jobs.MaxTasks:
		return fmt.Errorf("tasks: %d is not between 1 and %d", c.Tasks, jobs.MaxTasks)
	case c.Jobs < 1 || c.Jobs > 1000:
		return fmt.Errorf("jobs: %d is not between 1 and 1000", c.Jobs)
	case c.Policy == BOINC && (c.Adversary != Blind || c.Jobs > 1):
		return errors.New("policy: boinc is a model that knows one job and blind liars only")
	case c.Sleeper < 0:
		return fmt.Errorf("sleeper: %d is less than 0", c.Sleeper)
	case !(c.Crash >= 0 && c.Crash < 1):
		return fmt.Errorf("crash: %g is not a share from 0 to less than 1", c.Crash)
	case !(c.MaxError >= 1e-9 && c.MaxError < 1): // the finest that jobs.Prob can say
		return fmt.Errorf("max-error: %g is not between 1e-9 and 1", c.MaxError)
	case !(c.Saboteurs > 0 && c.Saboteurs < 1):
		return fmt.Errorf("saboteurs: %g is not between 0 and 1", c.Saboteurs)
	}
	return errors.Join(checkShare("liars", c.Liars), checkShare("cheat", c.Cheat), checkShare("slow", c.Slow), c.Policy.check(), c.Adversary.check())
}

func checkShare(name string, x float64) error {
	if !(x >= 0 && x <= 1) { // so that NaN does not pass
		return fmt.Errorf("%s: %g is not a share from 0 to 1", name, x)
	}
	return nil
}

func (p Policy) check() error {
	for _, known := range Policies {
		if p == known {
			return nil
		}
	}
	return fmt.Errorf("policy: %q is none: want credibility, quorum2, quorum3 or boinc", p)
}

// trust is what the job's submitter asks for.
func (c Config) trust() jobs.Trust {
	// Liars who do not collude answer in many ways; no task is to fail of it.
	const maxAttempts = 64
	switch c.Policy {
	case Quorum2:
		return jobs.Trust{Quorum: 2, MaxAttempts: maxAttempts}
	case Quorum3:
		return jobs.Trust{Quorum: 3, MaxAttempts: maxAttempts}
	}
	return jobs.Trust{MaxError: prob(c.MaxError)}
}

func prob(x float64) jobs.Prob { return jobs.Prob(math.Round(x * float64(jobs.One))) }

// part is a share of n, rounded.
func part(n int, share float64) int { return int(math.Round(float64(n) * share)) }
