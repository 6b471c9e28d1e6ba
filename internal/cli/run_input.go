package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/sdk"
)

// runInput is what the tasks of `anthill run` read: one of these.
type runInput struct {
	items string   // FILE or -
	lines string   // FILE:N
	span  string   // FROM:TO:STEP
	files []string // patterns
}

func (in *runInput) add(flags *pflag.FlagSet) {
	flags.StringVar(&in.items, "items", "", "a task for each line of this `file`; - is stdin (default if nothing else is given, and stdin is no terminal)")
	flags.StringVar(&in.lines, "lines", "", "a task for each N lines of a file, `FILE:N`; the file - is stdin")
	flags.StringVar(&in.span, "range", "", "a task for each STEP numbers, `FROM:TO:STEP`")
	flags.StringArrayVar(&in.files, "files", nil, "a task for each file that the `pattern` matches; once for each pattern")
}

// read makes it the input of a job; what comes from stdin is kept in temp.
func (in *runInput) read(cmd *cobra.Command, temp string) (sdk.Input, error) {
	given := 0
	for _, is := range []bool{in.items != "", in.lines != "", in.span != "", in.files != nil} {
		if is {
			given++
		}
	}
	if given > 1 {
		return sdk.Input{}, problem.Invalid("leave all but one out", "run: of --items, --lines, --range and --files there can be one")
	}
	switch {
	case in.lines != "":
		return in.split(cmd, temp)
	case in.span != "":
		return in.numbers()
	case in.files != nil:
		return sdk.Input{Files: in.files}, nil
	case in.items == "" && isTerminal(cmd.InOrStdin()):
		return sdk.Input{}, problem.Invalid("give --items FILE, --lines FILE:N, --range FROM:TO:STEP or --files PATTERN, or pipe lines into it", "run: no input")
	}
	items := in.items
	if items == "" {
		items = "-"
	}
	path, err := fileOrStdin(cmd, items, temp)
	return sdk.Input{Split: &sdk.Split{File: path, Lines: 1}}, err
}

func (in *runInput) split(cmd *cobra.Command, temp string) (sdk.Input, error) {
	file, count, ok := cutLast(in.lines, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if !ok || err != nil || n < 1 {
		return sdk.Input{}, problem.Invalid("write it like --lines big.txt:10000", "--lines %q: want FILE:N", in.lines)
	}
	path, err := fileOrStdin(cmd, file, temp)
	return sdk.Input{Split: &sdk.Split{File: path, Lines: n}}, err
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func (in *runInput) numbers() (sdk.Input, error) {
	parts := strings.Split(in.span, ":")
	var n [3]int64
	for i := range n {
		var err error
		if len(parts) == len(n) {
			n[i], err = strconv.ParseInt(parts[i], 10, 64)
		}
		if err != nil || len(parts) != len(n) {
			return sdk.Input{}, problem.Invalid("write it like --range 0:1000000:50000", "--range %q: want FROM:TO:STEP", in.span)
		}
	}
	return sdk.Input{Range: &sdk.Range{From: n[0], To: n[1], Step: n[2]}}, nil
}

// fileOrStdin is the absolute path of a file; what stdin has is made one.
func fileOrStdin(cmd *cobra.Command, path, temp string) (string, error) {
	if path != "-" {
		return filepath.Abs(path)
	}
	name := filepath.Join(temp, "stdin")
	out, err := os.Create(name)
	if err != nil {
		return "", fmt.Errorf("run: %w", err)
	}
	_, err = io.Copy(out, cmd.InOrStdin())
	if err := errors.Join(err, out.Close()); err != nil {
		return "", fmt.Errorf("run: keep stdin: %w", err)
	}
	return name, nil
}

// shareOfError is a max_error.
type shareOfError sdk.Share

// Set implements pflag.Value.
func (s *shareOfError) Set(text string) error { return (*sdk.Share)(s).UnmarshalJSON([]byte(text)) }

// String implements pflag.Value.
func (s *shareOfError) String() string {
	if *s == 0 {
		return ""
	}
	return share(float64(*s))
}

// Type implements pflag.Value.
func (s *shareOfError) Type() string { return "share" }
