package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/lab/simgrid"
	"github.com/anthill-grid/anthill/internal/problem"
)

func newSimCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Try the grid's rules on virtual workers",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSimTrustCommand())
	return cmd
}

// simulation is what `anthill sim trust` is asked for.
type simulation struct {
	simgrid.Config
	seed  uint64
	seeds int
	json  bool
}

func newSimTrustCommand() *cobra.Command {
	s := simulation{Config: simgrid.Default()}
	cmd := &cobra.Command{
		Use:   "trust",
		Short: "See how many wrong results liars get past the grid, and what holding them off costs",
		Long: `Play a job through on virtual workers, some of which lie, with the rules that
coordinators run. The liars collude perfectly: they lie about the same tasks and
say the same. What they know is --adversary: blind ones lie on a share of the tasks;
all others see every attempt at their tasks, and lie only where nobody honest is at one.
Late ones are honest in the first half of a job; in a grown grid everybody has
survived checks in earlier jobs; the best lie as often as the rule makes worth while, and
those who hit and run return as newcomers. Equal flags and seeds give equal outcomes on every machine.

The policies are credibility (the grid's own: --max-error), quorum2 and quorum3
(fixed replication) and boinc (a model of BOINC's adaptive replication).`,
		Example: "  anthill sim trust --liars 0.2 --cheat 0.1 --max-error 1e-4 --seeds 20",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.run(cmd) },
	}
	s.addFlags(cmd)
	return cmd
}

func (s *simulation) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.IntVar(&s.Workers, "workers", s.Workers, "workers, each with an owner of its own")
	f.IntVar(&s.Tasks, "tasks", s.Tasks, "tasks of the job")
	f.Float64Var(&s.Liars, "liars", s.Liars, "share of the workers that lie")
	f.Float64Var(&s.Cheat, "cheat", s.Cheat, "share of the tasks on which they lie")
	f.Float64Var(&s.MaxError, "max-error", s.MaxError, "share of wrong results that the submitter accepts")
	f.Float64Var(&s.Saboteurs, "saboteurs", s.Saboteurs, "share of strangers that the grid assumes to be liars")
	f.StringVar((*string)(&s.Policy), "policy", string(s.Policy), "credibility, quorum2, quorum3 or boinc")
	f.BoolVar(&s.Independent, "independent", s.Independent, "liars do not collude: each lies about tasks of its own choice and says something else")
	f.StringVar((*string)(&s.Adversary), "adversary", string(s.Adversary), "what liars know: blind, checker, seeing, late, grown, best, hit-and-run or killer")
	f.IntVar(&s.Earned, "earned", s.Earned, "`checks` of earlier jobs that all owners have survived (100,000 with --adversary grown)")
	f.IntVar(&s.Jobs, "jobs", s.Jobs, "jobs that are played in one grid, one after the other")
	f.IntVar(&s.Sleeper, "sleeper", s.Sleeper, "`tasks` that a liar does honestly at first")
	f.BoolVar(&s.Sybil, "sybil", s.Sybil, "banned liars return at once as newcomers")
	f.Float64Var(&s.Slow, "slow", s.Slow, "share of the workers that take ten times as long")
	f.Float64Var(&s.Crash, "crash", s.Crash, "share of the attempts that never end")
	f.IntVar(&s.seeds, "seeds", 1, "how often to play, each time with another seed")
	f.Uint64Var(&s.seed, "seed", 1, "the first seed")
	f.BoolVar(&s.json, "json", false, "print one JSON object")
}

func (s *simulation) run(cmd *cobra.Command) error {
	next := fmt.Sprintf("see '%s --help'", cmd.CommandPath())
	if err := s.Check(); err != nil {
		return problem.Invalid(next, "sim trust: %w", err)
	}
	if s.seeds < 1 {
		return problem.Invalid(next, "sim trust: seeds: %d is less than 1", s.seeds)
	}
	played := 0
	sum, err := simgrid.RunSeeds(cmd.Context(), s.Config, s.seed, s.seeds, func(seed uint64, o simgrid.Outcome) {
		played++
		fmt.Fprintf(cmd.ErrOrStderr(), "seed %d (%d/%d): %d of %d wrong, %.3f executions per task, %.1f s\n",
			seed, played, s.seeds, o.Wrong, o.Tasks, o.Redundancy(), o.Seconds)
	})
	if err != nil {
		return fmt.Errorf("sim trust: %w", err)
	}
	if s.json {
		return writeSimJSON(cmd.OutOrStdout(), sum)
	}
	return s.write(cmd.OutOrStdout(), sum)
}

// writeSimJSON writes what scripts may rely on.
func writeSimJSON(w io.Writer, o simgrid.Outcome) error {
	line, err := json.Marshal(struct {
		Tasks        int     `json:"tasks"`
		Wrong        int     `json:"wrong"`
		ErrorRate    float64 `json:"error_rate"`
		Redundancy   float64 `json:"redundancy"`
		Liars        int     `json:"liars"`
		LiarsBanned  int     `json:"liars_banned"`
		HonestBanned int     `json:"honest_banned"`
		Seconds      float64 `json:"seconds"`
	}{o.Tasks, o.Wrong, o.ErrorRate(), o.Redundancy(), o.Liars, o.LiarsBanned, o.HonestBanned, math.Round(o.Seconds*1000) / 1000})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, string(line))
	return err
}

func (s *simulation) write(w io.Writer, o simgrid.Outcome) error {
	fields := [][2]string{
		{"policy", string(s.Policy)},
		{"tasks", fmt.Sprintf("%d in %d jobs, on %d workers each", o.Tasks, o.Jobs, s.Workers)},
		{"wrong", fmt.Sprintf("%d, a share of %.2g", o.Wrong, o.ErrorRate())},
	}
	if s.Policy == simgrid.Credibility {
		claim := fmt.Sprintf("%.2g, and %.2g was asked for", o.Bound/float64(o.Jobs), s.MaxError)
		if o.Short > 0 {
			claim += fmt.Sprintf(": %d jobs fell short of it", o.Short)
		}
		fields = append(fields, [2]string{"bound", claim})
	}
	caught := fmt.Sprintf("%d of %d", o.LiarsBanned, o.Liars)
	if o.LiarsBanned > 0 {
		caught += fmt.Sprintf(", after %.1f lies each", float64(o.LiesOfBanned)/float64(o.LiarsBanned))
	}
	virtual := time.Duration(o.Virtual/int64(o.Jobs)) * time.Millisecond
	return writeFields(w, append(fields, [][2]string{
		{"executions", fmt.Sprintf("%.3f per task", o.Redundancy())},
		{"liars", caught},
		{"honest", fmt.Sprintf("%d banned", o.HonestBanned)},
		{"time", fmt.Sprintf("%.1f s for %s of the grid's per job", o.Seconds, virtual.Round(time.Second))},
	}...))
}
