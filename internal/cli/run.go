package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/tempdir"
	"github.com/anthill-grid/anthill/sdk"
)

// runCommand is one `anthill run`: a job without a job file.
type runCommand struct {
	flags   taskFlags
	scripts map[string]*string // by the runtime
	modules []string
	input   runInput
	trust   sdk.Trust
	allowed string
	name    string
	dir     string
	cat     bool
}

func newRunCommand() *cobra.Command {
	r := &runCommand{scripts: map[string]*string{"python": new(string), "js": new(string)}}
	cmd := &cobra.Command{
		Use:   "run PROGRAM.wasm | run --python FILE.py | run --js FILE.js",
		Short: "Run a program on many pieces of input, without a job file",
		Long: `Run a program on many pieces of input, without a job file, and put the results
together: they go to stdout in the order of the input, or with -o into a directory. It
stays until they are certain, so that it stands in a pipe:

  anthill run --python f.py --items items.txt -o out/     # one task for each line
  anthill run prog.wasm --range 0:1000000:50000           # each reads "LO HI"
  zcat big.gz | anthill run prog.wasm --lines -:10000     # 10,000 lines for each
  seq 100 | anthill run --python f.py | sort -n           # the lines of stdin
  anthill run prog.wasm --files 'corpus/**/*.txt'         # one task for each file

A task reads its piece on stdin, and what it writes to stdout is its result. Exit codes
are those of submit --wait. An interrupt detaches from the job, which continues.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return r.run(cmd, strings.Join(args, "")) },
	}
	r.flags.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(r.scripts["python"], "python", "", "run this Python `file`")
	flags.StringVar(r.scripts["js"], "js", "", "run this JavaScript `file`")
	flags.StringArrayVar(&r.modules, "modules", nil, "a directory, .py file or wheel that the Python file imports from; once for each")
	r.input.add(flags)
	flags.Var((*shareOfError)(&r.trust.MaxError), "max-error", "the share of wrong results to live with (default 1e-4)")
	flags.Uint32Var(&r.trust.Replicas, "replicas", 0, "run each task so often, in place of --max-error; 1 is for machines of your own")
	flags.StringVar(&r.allowed, "allow-failed", "", "how many tasks may fail: a `number`, or a share such as 10%")
	flags.StringVar(&r.name, "name", "", "the job's name (default: that of the program)")
	flags.StringVarP(&r.dir, "output", "o", "", "write the results into this `directory`, as task-000000.out and so on")
	flags.BoolVar(&r.cat, "cat", false, "with -o, write them to stdout as well, in order")
	return cmd
}

func (r *runCommand) run(cmd *cobra.Command, module string) (err error) {
	temp, err := tempdir.Make("run")
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	file, err := r.file(cmd, module, temp)
	if err != nil {
		return err
	}
	dir := cmp.Or(r.dir, filepath.Join(temp, "results"))
	if err := checkEmptyOfResults(dir, ""); err != nil {
		return err
	}
	prepared, err := sdk.Prepare(cmd.Context(), file)
	if err != nil {
		return err
	}
	writeNotices(cmd.ErrOrStderr(), prepared)
	grid, err := connect(cmd, followPatience)
	if err != nil {
		return errors.Join(err, prepared.Close())
	}
	job, grid, err := handIn(cmd, grid, prepared)
	if err != nil {
		return err
	}
	defer grid.Close()
	defer job.Close()
	fmt.Fprintf(cmd.ErrOrStderr(), "submitted %s: %d tasks, %s\n", job.ID(), job.Tasks(), sdk.Size(job.Size()))
	end := (&submission{dir: dir}).stay(cmd, grid, job)
	if r.dir == "" || r.cat {
		err = catResults(rawWriter(cmd.OutOrStdout()), dir, job.Tasks())
	}
	return errors.Join(end, err)
}

// file is the job file that the flags stand for; what comes from stdin goes into temp.
func (r *runCommand) file(cmd *cobra.Command, module, temp string) (*sdk.JobFile, error) {
	job, err := r.flags.terms()
	if err != nil {
		return nil, err
	}
	program := module
	for runtime, script := range r.scripts {
		if *script == "" {
			continue
		}
		if program != "" && program != module {
			return nil, problem.Invalid("leave one of them out", "run: --python and --js do not go together")
		}
		job.Runtime, job.Script, program = runtime, *script, *script
	}
	if program == "" {
		return nil, problem.Invalid("see 'anthill run --help'", "run: no program")
	}
	job.Bundle, job.Modules, job.Trust = module, r.modules, r.trust
	job.Name = cmp.Or(r.name, nameOfProgram(program))
	if r.allowed != "" {
		if err := job.AllowFailed.UnmarshalJSON(fmt.Appendf(nil, "%q", r.allowed)); err != nil {
			return nil, problem.Invalid("give a number of tasks such as 20, or a share such as 0.1 or 10%", "--allow-failed %q: %w", r.allowed, err)
		}
	}
	if job.Input, err = r.input.read(cmd, temp); err != nil {
		return nil, err
	}
	return job, job.Check()
}

// nameOfProgram is a job's name after a file's.
func nameOfProgram(path string) string {
	base := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	name := strings.Map(func(r rune) rune {
		if r < 128 && (r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return r
		}
		return '-'
	}, base)
	name = strings.TrimLeft(name, "-_")
	return cmp.Or(name[:min(len(name), 40)], "run")
}

// catResults writes the results of all tasks that have one, in the order of the input.
func catResults(w io.Writer, dir string, tasks int) error {
	for task := range tasks {
		in, err := os.Open(filepath.Join(dir, resultName(task)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // it failed, which is said elsewhere
		}
		if err != nil {
			return err
		}
		_, err = io.Copy(w, in)
		if err := errors.Join(err, in.Close()); err != nil {
			return fmt.Errorf("write results: %w", err)
		}
	}
	return nil
}
