package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/cli/demo"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/tempdir"
)

func newDemoCommand() *cobra.Command {
	var input, bundle string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See a grid count words, catch a liar and survive the death of its leader",
		Long: `Run a grid of real processes on this machine: three coordinators and five
workers, one of which lies. It counts the words of the machine's Go source tree
(or of all files below --input); half way the leader is killed, and at the end the
result is compared with a plain count. Everything is removed afterwards. The exit
code is 0 only if the result is right and the liar was caught.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd, input, bundle, asJSON) },
	}
	cmd.Flags().StringVar(&input, "input", "", "count the files below this `directory` instead")
	cmd.Flags().StringVar(&bundle, "bundle", filepath.Join("examples", "wordcount", "wordcount.wasm"), "the wordcount guest")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as one JSON object")
	return cmd
}

func runDemo(cmd *cobra.Command, input, bundle string, asJSON bool) error {
	cfg := demo.Config{Bundle: bundle, Input: input, Glob: filepath.Join("**", "*")}
	if _, err := os.Stat(bundle); err != nil {
		return problem.Invalid("build it by `make examples`, in anthill's source tree", "demo: %w", err)
	}
	if err := demoInput(&cfg); err != nil {
		return err
	}
	var err error
	if cfg.Exe, err = os.Executable(); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	if cfg.Dir, err = tempdir.Make("demo"); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer os.RemoveAll(cfg.Dir)
	p := newProgress(cmd.ErrOrStderr())
	cfg.Show, cfg.Note = p.show, p.note
	report, err := demo.Run(cmd.Context(), cfg)
	p.close()
	if err != nil {
		return err
	}
	return printDemo(cmd, report, asJSON)
}

// demoInput chooses the Go installation's sources unless --input says otherwise.
func demoInput(cfg *demo.Config) error {
	if cfg.Input != "" {
		if info, err := os.Stat(cfg.Input); err != nil || !info.IsDir() {
			return problem.Invalid("name a directory with text files", "demo: --input %s: not a directory", cfg.Input)
		}
		return nil
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return problem.Invalid("name a directory with text files by --input", "demo: find the Go installation: %w", err)
	}
	cfg.Input, cfg.Glob = filepath.Join(strings.TrimSpace(string(root)), "src"), filepath.Join("**", "*.go")
	return nil
}

func printDemo(cmd *cobra.Command, r *demo.Report, asJSON bool) error {
	if asJSON {
		line, err := json.Marshal(r)
		if err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), string(line))
	} else {
		r.Print(cmd.OutOrStdout(), share, atMost)
	}
	if failures := r.Failures(); len(failures) > 0 {
		return fmt.Errorf("demo: %s", strings.Join(failures, "; "))
	}
	return nil
}
