package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/jsonapi"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/sandbox"
	"github.com/anthill-grid/anthill/worker/trial"
)

// testReport is what `anthill task test` says. Sizes are in bytes, ids are those
// of blobs, as the grid shows them.
type testReport struct {
	Module    string        `json:"module"`
	Size      int           `json:"size"`
	ID        string        `json:"id"`
	Screening screening     `json:"screening"`
	Limits    limitsTold    `json:"limits"`
	Runs      []testRun     `json:"runs"`
	Same      bool          `json:"same"`
	Differ    []string      `json:"differences"`
	Missing   string        `json:"missing"`
	Passed    bool          `json:"passed"`
	Reason    string        `json:"reason"`
	Stderr    string        `json:"stderr"`
	compiled  time.Duration // the quickest run
	slow      time.Duration // on the interpreter
}

// screening is the verdict on the module: work units and their limits.
type screening struct {
	Passed       bool   `json:"passed"`
	Work         int64  `json:"work"`
	WorkLimit    int64  `json:"work_limit"`
	Function     int    `json:"function"`
	FunctionWork int64  `json:"function_work"`
	FunctionMost int64  `json:"function_work_limit"`
	Found        string `json:"found"`
	Next         string `json:"next"`
}

type limitsTold struct {
	Seconds float64 `json:"seconds"`
	Memory  int64   `json:"memory"`
	Output  int64   `json:"output"`
	Fuel    int64   `json:"fuel"`
}

type testRun struct {
	Engine     string  `json:"engine"`
	Ending     string  `json:"ending"`
	ExitCode   uint32  `json:"exit_code"`
	Fuel       uint64  `json:"fuel"`
	Memory     int64   `json:"memory"`
	Seconds    float64 `json:"seconds"`
	OutputSize int     `json:"output_size"`
	OutputID   string  `json:"output_id"`
}

func newTestReport(s *subject, costs screen.Costs, r trial.Report) testReport {
	t := describeSubject(s)
	t.Screening = screening{
		Passed: true, Work: costs.Work, WorkLimit: costs.Limit,
		Function: costs.Function, FunctionWork: costs.Most, FunctionMost: screen.MaxWork,
	}
	for _, run := range r.Runs {
		t.Runs = append(t.Runs, describeRun(run))
	}
	t.Differ = append(t.Differ, r.Differences...)
	t.Missing, t.Passed = r.Missing, r.Passed()
	t.Same = len(r.Differences) == 0 && len(r.Runs) > 1 && r.Missing == ""
	if first := r.First(); !first.Succeeded() {
		t.Reason = executor.Explain(first.Result, s.task)
	}
	t.Stderr = strings.ToValidUTF8(string(r.First().Stderr), "?")
	t.compiled, t.slow = r.Compiled(), r.Interpreted()
	return t
}

// refusedReport is of a module that did not come to run.
func refusedReport(s *subject, found, next string) testReport {
	t := describeSubject(s)
	t.Screening.Found, t.Screening.Next = found, next
	return t
}

func describeSubject(s *subject) testReport {
	l := s.task
	return testReport{
		Module: filepath.Base(s.path), Size: len(s.module), ID: l.ModuleID,
		Limits: limitsTold{l.Time.Seconds(), l.Memory, l.Output, l.Fuel}, Runs: []testRun{}, Differ: []string{},
	}
}

func describeRun(r trial.Run) testRun {
	run := testRun{
		Engine: r.Engine, Ending: r.Status.String(), ExitCode: r.ExitCode,
		Fuel: r.Fuel, Memory: r.Memory, Seconds: r.Elapsed.Seconds(),
	}
	if r.Status == sandbox.Exited {
		run.OutputSize, run.OutputID = len(r.Output), blob.Of(r.Output).Ref().ID.String()
	}
	return run
}

// writeIndented writes a value of a fixed form as JSON over several lines.
func writeIndented(w io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err = w.Write(jsonapi.EscapeUnseen(string(text) + "\n"))
	return err
}

func writeTestReport(w io.Writer, t testReport) error {
	fields := [][2]string{
		{"module", fmt.Sprintf("%s, %s, %.12s", t.Module, sdk.Size(t.Size), t.ID)},
		{"screening", t.Screening.String()},
		{"next", t.Screening.Next},
	}
	if len(t.Runs) > 0 {
		fields = append(fields, t.runFields()...)
	}
	err := writeFields(w, fields)
	if err == nil && t.Stderr != "" {
		_, err = fmt.Fprintf(w, "stderr, its end:\n%s", indented(t.Stderr))
	}
	return err
}

func (t testReport) runFields() [][2]string {
	first := t.Runs[0]
	fields := [][2]string{
		{"ending", t.ending()},
		{"fuel", fmt.Sprintf("%d%s", first.Fuel, limitOf(t.Limits.Fuel != 0, sdk.Fuel(t.Limits.Fuel)))},
		{"memory", sdk.Size(first.Memory).String() + limitOf(true, sdk.Size(t.Limits.Memory))},
		{"time", t.times()},
	}
	if first.OutputID != "" {
		fields = append(fields, [2]string{"output",
			fmt.Sprintf("%d bytes%s, %.12s", first.OutputSize, limitOf(true, sdk.Size(t.Limits.Output)), first.OutputID)})
	}
	return append(fields, [2]string{"result", t.agreement()})
}

func limitOf(given bool, limit fmt.Stringer) string {
	if !given {
		return ""
	}
	return fmt.Sprintf(" of %v", limit)
}

func (t testReport) ending() string {
	if t.Reason != "" {
		return firstLine(t.Reason)
	}
	return fmt.Sprintf("%s with code %d", t.Runs[0].Ending, t.Runs[0].ExitCode)
}

// worthSaving is how long the run on the interpreter takes until it is said how to do
// without.
const worthSaving = 2 * time.Second

func (t testReport) times() string {
	text := fmt.Sprintf("%v compiled", t.compiled.Round(10*time.Microsecond))
	if t.slow > 0 {
		text += fmt.Sprintf(", %v interpreted", t.slow.Round(10*time.Microsecond))
	}
	if t.slow > worthSaving {
		text += " (--no-interpreter leaves that out)"
	}
	return text
}

// agreement says what the runs have in common.
func (t testReport) agreement() string {
	switch {
	case len(t.Differ) > 0:
		return "DIFFERENT: " + strings.Join(t.Differ, "; ")
	case t.Missing != "":
		return firstLine(t.Missing)
	case len(t.Runs) < 2:
		return "none: such an end depends on the machine"
	case t.slow > 0:
		return "the same on both engines"
	}
	return "the same twice on the compiler"
}

// String gives the verdict in one line.
func (s screening) String() string {
	if !s.Passed {
		return "refused: " + s.Found
	}
	return fmt.Sprintf("passed: %d of %d units of work, at most %d of %d in a function",
		s.Work, s.WorkLimit, s.FunctionWork, s.FunctionMost)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// indented sets the lines of a guest apart.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n")) {
		b.WriteString("  " + strings.TrimRight(line, "\r\n") + "\n")
	}
	return b.String()
}
