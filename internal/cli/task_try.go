package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/tempdir"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/sandbox"
	"github.com/anthill-grid/anthill/worker/trial"
)

// taskTest is what `anthill task test` was asked.
type taskTest struct {
	flags         taskFlags
	job           string
	index         uint32
	as            string // a job of the grid, see likeness
	from          string // a job of the grid of which it is a task
	format        format
	show          bool
	out           string
	noInterpreter bool
}

func newTaskTestCommand() *cobra.Command {
	t := taskTest{format: formatTable}
	cmd := &cobra.Command{
		Use:   "test MODULE.wasm < SHARD | test --job JOB.yaml --task N | test --from JOB --task N",
		Short: "Run a task as the grid would, on two engines, and compare",
		Long: `Run a task as the grid would: screened, rewritten, in a sandbox, within the same
limits and defaults. It is run twice as compiled code and once on an interpreter,
which takes 10 to 100 times as long (--no-interpreter leaves it out), and the
outputs, exit codes and fuel are compared: what differs here would make workers
disagree, and the grid would never accept a result. Compiled code is kept in your cache
directory, at most 1 GiB, so that the next test of an unchanged module begins at once;
the interpreter has no such code, and takes as long each time.

The shard is read from stdin. With --job and --task everything comes from a job
file. A task's random numbers follow from its number and the job's id, which only
the grid gives; here the job's name takes its place ("test" without a job file), so
the numbers differ from those in the grid. With --as JOB they are the same.

With --from JOB and --task it is a task of a job that was submitted: what it runs and
reads is fetched from the grid, and it is run exactly as there, with the same limits,
arguments, variables, data, random numbers and count of fuel.

The report goes to stdout; with --show the guest's output goes there, and the report
to stderr. Exit codes: 0 passed, 1 the task fails or the results differ, 2 the module
is refused or the flags are wrong.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return t.run(cmd, args) },
	}
	t.flags.add(cmd)
	addFormatFlag(cmd, &t.format)
	cmd.Flags().StringVar(&t.job, "job", "", "take the task from this job `file`")
	cmd.Flags().StringVar(&t.from, "from", "", "take the task from this `job` of the grid")
	cmd.Flags().Uint32Var(&t.index, "task", 0, "which task of the job, from 0")
	cmd.Flags().StringVar(&t.as, "as", "", "give the task the random numbers that it had in this `job` of the grid; JOB/N if it was task N there")
	cmd.Flags().BoolVar(&t.show, "show", false, "write the guest's output to stdout, and the report to stderr")
	cmd.Flags().StringVar(&t.out, "out", "", "write the guest's output into this `file`")
	cmd.Flags().BoolVar(&t.noInterpreter, "no-interpreter", false, "leave out the slow run")
	cmd.MarkFlagsMutuallyExclusive("from", "job")
	cmd.MarkFlagsMutuallyExclusive("from", "as")
	return connecting(cmd)
}

func (t *taskTest) run(cmd *cobra.Command, args []string) error {
	dir, err := tempdir.Make("task")
	if err != nil {
		return fmt.Errorf("task test: %w", err)
	}
	defer os.RemoveAll(dir)
	s, err := t.subject(cmd, args, dir)
	if err != nil {
		return err
	}
	_, costs, err := screen.Decode(s.module, screen.Options{Memory: s.task.Memory, TrapUnknown: s.task.TrapUnknown})
	if err != nil {
		return t.refuse(cmd, s, err)
	}
	report, err := t.try(cmd, s)
	if err != nil {
		return err
	}
	if err := t.write(cmd, newTestReport(s, costs, report)); err != nil {
		return err
	}
	if err := t.writeOutput(cmd, report.First()); err != nil {
		return err
	}
	return verdict(report, s.task)
}

// subject is the task that the flags name; files that are made for it go into dir.
func (t *taskTest) subject(cmd *cobra.Command, args []string, dir string) (*subject, error) {
	switch {
	case t.from != "" && (len(args) > 0 || !cmd.Flags().Changed("task")):
		return nil, problem.Invalid("write it like --from JOB --task 7", "--from takes the number of a task, and no module")
	case t.from != "":
		return subjectOfGrid(cmd, t.from, t.index, dir)
	case cmd.Flags().Changed("grid") || cmd.Flags().Changed("patience"):
		return nil, problem.Invalid("write it like --from JOB --task 7", "--grid and --patience are for tasks of a job of the grid")
	case t.job == "" && len(args) == 0:
		return nil, problem.Invalid("see 'anthill task test --help'", "task test: no module, and no --job")
	case t.job == "" && t.as != "":
		return nil, problem.Invalid("give --job as well", "--as is for tasks of a job file")
	case t.job == "" && cmd.Flags().Changed("task"):
		return nil, problem.Invalid("give --job as well", "--task is for tasks of a job file")
	case t.job == "":
		return subjectOfFlags(cmd, &t.flags, args[0])
	case len(args) > 0:
		return nil, problem.Invalid("give either a module or --job", "the module of a job file is its bundle, not %s", args[0])
	}
	for _, name := range jobFields {
		if cmd.Flags().Changed(name) {
			return nil, problem.Invalid("change the job file, or leave --job out", "--%s does not go together with --job", name)
		}
	}
	s, err := subjectOfJob(cmd, t.job, t.index, dir)
	if err == nil && t.as != "" {
		s.task.Seed, err = seedAs(t.as, t.index)
	}
	return s, err
}

// seedAs is what a task's random numbers follow from in a job of the grid, which may
// know it by another number: JOB or JOB/N.
func seedAs(as string, index uint32) ([32]byte, error) {
	job, number, other := strings.Cut(as, "/")
	if other {
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return [32]byte{}, problem.Invalid("write it like --as JOB or --as JOB/17", "--as %q: %q is not the number of a task", as, number)
		}
		index = uint32(n)
	}
	return executor.Seed(job, index), nil
}

// try runs the task, in children of this program.
func (t *taskTest) try(cmd *cobra.Command, s *subject) (trial.Report, error) {
	exe, err := os.Executable()
	if err != nil {
		return trial.Report{}, fmt.Errorf("task test: %w", err)
	}
	cache, err := trial.UserCache()
	if err != nil && isTerminal(cmd.ErrOrStderr()) {
		fmt.Fprintf(cmd.ErrOrStderr(), "compiled code is not kept, so the next test takes as long: %v\n", err)
	}
	line := newTrialLine(cmd.ErrOrStderr())
	defer line.close()
	return trial.Do(cmd.Context(), trial.Config{
		Command: []string{exe, sandboxChild}, Module: s.module, Cache: cache, SkipInterpreter: t.noInterpreter, Begin: line.begin,
	}, s.task)
}

// refuse reports a module that did not come to run.
func (t *taskTest) refuse(cmd *cobra.Command, s *subject, err error) error {
	var refused *refusal.Error
	if !errors.As(err, &refused) {
		return err
	}
	if err := t.write(cmd, refusedReport(s, refused.Found, refused.Next)); err != nil {
		return err
	}
	return problem.Invalid(refused.Next, "%s is refused: %s", filepath.Base(s.path), refused.Found)
}

func (t *taskTest) write(cmd *cobra.Command, r testReport) error {
	w := cmd.OutOrStdout()
	if t.show {
		w = cmd.ErrOrStderr()
	}
	if t.format == formatJSON {
		return writeIndented(w, r)
	}
	return writeTestReport(w, r)
}

// writeOutput writes the guest's output where --out and --show say.
func (t *taskTest) writeOutput(cmd *cobra.Command, first trial.Run) error {
	if first.Status != sandbox.Exited {
		return nil
	}
	if t.out != "" {
		if err := writeOutputFile(cmd.Context(), t.out, first.Output, cmd.ErrOrStderr()); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	if t.show {
		if _, err := rawWriter(cmd.OutOrStdout()).Write(first.Output); err != nil {
			return fmt.Errorf("write output: %w", err)
		}
	}
	return nil
}

// verdict is nil if the task passed.
func verdict(r trial.Report, task sandbox.Task) error {
	first := r.First()
	switch {
	case first.Status == sandbox.Refused:
		return problem.Invalid("build it again; 'anthill task inspect' tells what is in it", "the module is refused: %s", firstLine(first.Reason))
	case len(r.Differences) > 0:
		return &problem.Problem{Message: "the task gives different results: " + r.Differences[0],
			Next: "workers would not agree on it: please report this with the module"}
	case first.Succeeded() && r.Missing != "":
		return &problem.Problem{Message: "the task is not tested: " + firstLine(r.Missing), Next: "--no-interpreter leaves the slow engine out"}
	case !first.Succeeded():
		return errors.New("the task fails: " + firstLine(executor.Explain(first.Result, task)))
	}
	return nil
}
