package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/anthill-grid/anthill/coordinator/rescue"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

func newRecoverCommand() *cobra.Command {
	var dir string
	var yes bool
	cmd := &cobra.Command{
		Use:   "recover --data DIR",
		Short: "Go on with one coordinator alone, after most were lost for good",
		Long: `Go on with one coordinator alone, after most were lost for good, so that no majority
is left to decide anything. The coordinator must not run. It becomes the only voter;
the others are dismissed, and join again with a token and an empty directory.

What only they had is lost: the last writes may be, and results whose only copies were
with them are computed again while their job runs. Choose the one whose log is longest:
without --yes the command says how long it is, and asks.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keepPrivate()
			d, err := rescue.Open(dir)
			if err != nil {
				return err
			}
			err = recoverAlone(cmd, d, dir, yes)
			if closeErr := d.Close(); err == nil {
				err = closeErr
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "the coordinator's data `directory` (required)")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	_ = cmd.MarkFlagRequired("data") // the flag exists
	return cmd
}

func recoverAlone(cmd *cobra.Command, d *rescue.Directory, dir string, yes bool) error {
	out := cmd.ErrOrStderr()
	running := len(d.State.Running())
	fmt.Fprintf(out, "grid %s: %d jobs, %d of them running; log entry %d, grid time %s\n",
		d.State.Grid, len(d.State.Jobs), running, d.Index, d.State.Now.Std().UTC().Format("2006-01-02 15:04:05 MST"))
	for _, v := range d.Voters {
		if v.Node != d.Identity.Identity.Node() {
			fmt.Fprintf(out, "coordinator %s at %s is given up for good\n", v.Node.Short(), v.Address)
		}
	}
	fmt.Fprintln(out, "what only they had is lost, and if a majority of them still runs there will be two grids of one name")
	if !yes {
		if err := askYes(cmd.InOrStdin(), out, "go on with this one alone?"); err != nil {
			return err
		}
	}
	if err := d.Recover(); err != nil {
		return err
	}
	fmt.Fprintln(out, "done. Start it as before, with the same --data and --listen:")
	fmt.Fprintf(cmd.OutOrStdout(), "anthill coordinator --data %s --listen %s\n", dir, ownAddress(d))
	return nil
}

func ownAddress(d *rescue.Directory) string {
	for _, v := range d.Voters {
		if v.Node == d.Identity.Identity.Node() {
			return v.Address
		}
	}
	return "HOST:PORT"
}

// askYes asks a person. Without a terminal there is nobody to ask.
func askYes(in io.Reader, out io.Writer, question string) error {
	if f, ok := in.(*os.File); ok && !term.IsTerminal(int(f.Fd())) {
		return problem.Invalid("look at what it says, and give --yes", "there is no terminal to ask on: %s", question)
	}
	fmt.Fprintf(out, "%s [y/N] ", question)
	answer, _ := bufio.NewReader(in).ReadString('\n') // its end is a no
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return problem.Invalid("answer y to go on", "nothing was changed")
	}
	return nil
}

func newOrphanedResultsCommand() *cobra.Command {
	var dir, output string
	cmd := &cobra.Command{
		Use:   "results JOB --data DIR -o OUT",
		Short: "Write a job's results from the directory of a coordinator that does not run",
		Long: `Write a job's results from the data directory of a coordinator that does not run, be
it that its grid is gone: those that were accepted as far as it knows, and whose bytes it
has. Files are named as by 'anthill results'.

The exit code is 1 if some are not there.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := rescue.Open(dir)
			if err != nil {
				return err
			}
			err = writeOrphaned(cmd.ErrOrStderr(), d, jobs.JobID(args[0]), output)
			if closeErr := d.Close(); err == nil {
				err = closeErr
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "data", "", "the coordinator's data `directory` (required)")
	cmd.Flags().StringVarP(&output, "output", "o", "", "the `directory` to write into, created if it is missing (required)")
	_ = cmd.MarkFlagRequired("data")   // the flags exist
	_ = cmd.MarkFlagRequired("output") //
	return cmd
}

func writeOrphaned(stderr io.Writer, d *rescue.Directory, id jobs.JobID, output string) error {
	j := d.State.Jobs[id]
	if j == nil {
		return problem.NotFound("the jobs that it knows: "+jobList(d.State), "results of job %s: there is no such job", id)
	}
	into, err := openResultsDir(output, string(id), j.Total())
	if err != nil {
		return err
	}
	written, missing := 0, 0
	err = d.Results(id, func(r rescue.Result) error {
		if r.Missing {
			missing++
			return nil
		}
		path, err := into.file(int(r.Task))
		if err == nil {
			err = into.replace(path)
		}
		if err != nil {
			return err
		}
		temp, err := writeTemp(path, r.Copy)
		if err != nil {
			return err
		}
		written++
		return os.Rename(temp, path)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(stderr, "%s: wrote %d results to %s, of %d tasks\n", id, written, output, j.Total())
	if lacking := j.Total() - written; lacking > 0 {
		return fmt.Errorf("results of job %s: %d of %d are not there: %d were accepted, but their bytes are elsewhere", id, lacking, j.Total(), missing)
	}
	return into.mark()
}

// jobList names some jobs.
func jobList(s *jobs.State) string {
	var list []string
	for id := range s.Jobs {
		if list = append(list, string(id)); len(list) == 20 {
			break
		}
	}
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}
