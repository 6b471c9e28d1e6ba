package task

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"
)

func TestExecuteFlushesTheResult(t *testing.T) {
	var out bytes.Buffer
	err := execute(strings.NewReader("shard"), &out, func(in io.Reader, out io.Writer) error {
		_, err := io.Copy(out, in)
		return err
	})
	if err != nil || out.String() != "shard" {
		t.Fatalf("execute = %v, wrote %q; want nil, %q", err, out.String(), "shard")
	}
}

func TestExecuteReportsAResultThatCouldNotBeWritten(t *testing.T) {
	full := errors.New("pipe is full")
	err := execute(strings.NewReader(""), brokenWriter{full}, func(_ io.Reader, out io.Writer) error {
		_, err := io.WriteString(out, "x")
		return err
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), "write result") {
		t.Fatalf("execute = %v; want it to name the failed write", err)
	}
}

func TestExecuteWritesNothingOfAFailedTask(t *testing.T) {
	var out bytes.Buffer
	bad := errors.New("bad shard")
	err := execute(strings.NewReader(""), &out, func(_ io.Reader, out io.Writer) error {
		_, _ = io.WriteString(out, "half a result")
		return bad
	})
	if !errors.Is(err, bad) || out.Len() != 0 {
		t.Fatalf("execute = %v, wrote %q; want %v and nothing", err, out.String(), bad)
	}
}

// TestMainExits runs this test binary again, since Main ends its process.
func TestMainExits(t *testing.T) {
	if os.Getenv("TASK_MAIN") == "1" {
		Main(func(io.Reader, io.Writer) error { return errors.New("no rows in the shard") })
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestMainExits$")
	cmd.Env = append(os.Environ(), "TASK_MAIN=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code = %d (%v), want 1", code, err)
	}
	if got, want := stderr.String(), "task failed: no rows in the shard\n"; got != want {
		t.Errorf("stderr = %q, want %q", got, want)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }

func TestRange(t *testing.T) {
	cases := []struct {
		text   string
		lo, hi int64
		err    string
	}{
		{text: "0 10\n", lo: 0, hi: 10},
		{text: "7 7", lo: 7, hi: 7},
		{text: "-5 3\r\n", lo: -5, hi: 3},
		{text: "9223372036854775806 9223372036854775807\n", lo: 9223372036854775806, hi: 9223372036854775807},
		{text: "", err: `want "LO HI", got ""`},
		{text: "5\n", err: `want "LO HI"`},
		{text: "1 2 3\n", err: `want "LO HI"`},
		{text: "1 2\n" + strings.Repeat(" ", 100), err: `want "LO HI"`},
		{text: "a 2\n", err: "low end"},
		{text: "1 9223372036854775808\n", err: "high end"},
		{text: "3 1\n", err: "low end 3 is above high end 1"},
	}
	for _, c := range cases {
		lo, hi, err := Range(strings.NewReader(c.text))
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("Range(%q) error = %v, want one with %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil || lo != c.lo || hi != c.hi {
			t.Errorf("Range(%q) = %d, %d, %v; want %d, %d", c.text, lo, hi, err, c.lo, c.hi)
		}
	}
}

func TestRangePassesOnAReadError(t *testing.T) {
	if _, _, err := Range(iotest.ErrReader(io.ErrUnexpectedEOF)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("Range = %v, want %v", err, io.ErrUnexpectedEOF)
	}
}
