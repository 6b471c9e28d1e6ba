package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/module/inspect"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/sdk"
)

// most is how many imports or exports are named in a table; JSON has them all.
const most = 12

func newTaskInspectCommand() *cobra.Command {
	output, unknown, memory := formatTable, "", int64(0)
	cmd := &cobra.Command{
		Use:   "inspect MODULE.wasm",
		Short: "Tell what is in a module, and whether the grid accepts it",
		Long: `Tell what is in a module, and whether the grid accepts it: what docs/tasks.md asks
of a module, with the work units that its functions cost. Nothing is run.

Exit codes: 0 the grid accepts it, 2 it is refused.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if memory > jobs.MaxMemory {
				return problem.Invalid("give the memory that the job will ask for", "--memory %v: no job may have more than %v", sdk.Size(memory), sdk.Size(jobs.MaxMemory))
			}
			trap, err := trapUnknown(unknown)
			if err != nil {
				return err
			}
			module, err := readModule(args[0])
			if err != nil {
				return err
			}
			facts := inspect.Look(module, screen.Options{Memory: memory, TrapUnknown: trap})
			if err := writeInspection(cmd.OutOrStdout(), output, facts); err != nil {
				return err
			}
			if r := facts.Refusal; r != nil {
				return problem.Invalid(r.Next, "%s is refused: %s", filepath.Base(args[0]), r.Found)
			}
			return nil
		},
	}
	addFormatFlag(cmd, &output)
	cmd.Flags().Var((*sizeFlag)(&memory), "memory", "the job's limits.memory (default: not checked)")
	cmd.Flags().StringVar(&unknown, "unknown-imports", "", "the job's unknown_imports: refuse or trap (default refuse)")
	return cmd
}

func writeInspection(w io.Writer, output format, f inspect.Facts) error {
	if output == formatJSON {
		return writeIndented(w, f)
	}
	return writeFacts(w, f)
}

func writeFacts(w io.Writer, f inspect.Facts) error {
	fields := [][2]string{{"size", sizes(f)}, {"screening", factsVerdict(f)}}
	if f.Refusal != nil {
		fields = append(fields, [2]string{"next", f.Refusal.Next})
	}
	known, unknown := imports(f.Imports)
	fields = append(fields,
		[2]string{"made by", tools(f.Producers)},
		[2]string{"imports", known},
		[2]string{"unknown", unknown},
		[2]string{"exports", exports(f.Exports)},
	)
	if f.Memory != nil {
		fields = append(fields, [2]string{"memory", span(*f.Memory, func(n int64) string { return sdk.Size(n).String() })})
	}
	for _, table := range f.Tables {
		fields = append(fields, [2]string{"table", span(table, func(n int64) string { return fmt.Sprint(n, " entries") })})
	}
	if f.Functions > 0 {
		fields = append(fields, [2]string{"functions", fmt.Sprintf("%d, with %s of code", f.Functions, sdk.Size(f.Code))})
	}
	if f.Longest != nil {
		fields = append(fields, [2]string{"longest", fmt.Sprintf("%s, %d of %d bytes", function(f.Longest), f.Longest.Code, screen.MaxBody)})
	}
	if f.Costliest != nil {
		fields = append(fields, [2]string{"costliest", fmt.Sprintf("%s, %d of %d units of work", function(f.Costliest), f.Costliest.Work, screen.MaxWork)})
	}
	if f.Start {
		fields = append(fields, [2]string{"start", "it has a start section, which runs before _start"})
	}
	return writeFields(w, append(fields, [2]string{"features", strings.Join(f.Features, ", ")}))
}

func sizes(f inspect.Facts) string {
	if f.Rewritten == 0 {
		return sdk.Size(f.Size).String()
	}
	return fmt.Sprintf("%s, %s as it is run", sdk.Size(f.Size), sdk.Size(f.Rewritten))
}

func factsVerdict(f inspect.Facts) string {
	if f.Refusal != nil {
		return "refused: " + f.Refusal.Found
	}
	return fmt.Sprintf("passed: %d of %d units of work", f.Work, f.WorkLimit)
}

func tools(list []inspect.Producer) string {
	var names []string
	for _, p := range list {
		names = append(names, strings.TrimSpace(p.Name+" "+p.Version))
	}
	return shortList(names)
}

// imports are those that the grid has, and those that it has not.
func imports(list []inspect.Import) (known, unknown string) {
	var has, lacks []string
	for _, in := range list {
		if in.Known {
			has = append(has, in.Name)
		} else {
			lacks = append(lacks, fmt.Sprintf("%s.%s (%s)", in.Module, in.Name, in.Kind))
		}
	}
	return shortList(has), shortList(lacks)
}

func exports(list []inspect.Export) string {
	var names []string
	for _, e := range list {
		names = append(names, fmt.Sprintf("%s (%s)", e.Name, e.Kind))
	}
	return shortList(names)
}

// shortList names the first few of a list; what a module calls things is quoted
// where a terminal could mistake it.
func shortList(names []string) string {
	if len(names) == 0 {
		return ""
	}
	var shown []string
	for _, name := range names[:min(most, len(names))] {
		shown = append(shown, firstLine(indented(name)))
	}
	if more := len(names) - len(shown); more > 0 {
		shown = append(shown, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(shown, ", ")
}

func span(b inspect.Bounds, unit func(int64) string) string {
	if b.Max == nil {
		return unit(b.Min)
	}
	return fmt.Sprintf("%s, at most %s", unit(b.Min), unit(*b.Max))
}

func function(f *inspect.Function) string {
	if f.Name == "" {
		return fmt.Sprintf("own function %d", f.Index)
	}
	return fmt.Sprintf("own function %d, %s", f.Index, firstLine(indented(f.Name)))
}
