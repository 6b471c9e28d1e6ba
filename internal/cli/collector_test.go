package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/sdk"
)

func TestResultsAreFinalUnlessAsked(t *testing.T) {
	fake := start(t, jobs.Submitter)
	dir := t.TempDir()
	early, late := filepath.Join(dir, "early"), filepath.Join(dir, "late")
	fake.AddJob("j", 1)
	fake.Accept(t, "j", 0, []byte("wrong"))
	noted := make(chan string, 2)
	for _, args := range [][]string{{"-o", early, "--provisional"}, {"-o", late}} {
		go func() {
			_, _, stderr := anthill(t.Context(), append([]string{"results", "j"}, args...)...)
			noted <- stderr
		}()
	}
	await(t, func() bool {
		data, err := os.ReadFile(filepath.Join(early, "task-000000.out"))
		_, begun := os.Stat(late)
		return err == nil && string(data) == "wrong" && begun == nil
	})
	expectFiles(t, late, nil)
	fake.Accept(t, "j", 0, []byte("right"))
	await(t, func() bool {
		data, err := os.ReadFile(filepath.Join(early, "task-000000.out"))
		return err == nil && string(data) == "right"
	})
	expectFiles(t, late, nil)
	fake.Finish("j", succeeded, "")
	notes := <-noted + <-noted
	expectFiles(t, early, map[string]string{"task-000000.out": "right"})
	expectFiles(t, late, map[string]string{"task-000000.out": "right"})
	expectMatch(t, notes, `j: wrote 1 results to .*late, 0 were there`)
	expectMatch(t, notes, `j: wrote 2 results to .*early, 0 were there`)
	const hint = "j: results are provisional until the job is finished; to have them now: anthill results j -o DIR --provisional\n"
	if strings.Count(notes, hint) != 1 {
		t.Errorf("told other than once, where it was not asked for:\n%s", notes)
	}
}

// A slow writer of a result that was replaced meanwhile changes nothing.
func TestLaterResultsStay(t *testing.T) {
	dir := t.TempDir()
	c := &collector{dir: dir, newest: map[int]uint64{0: 7}, rows: map[int]manifestRow{}}
	path := filepath.Join(dir, "task-000000.out")
	for _, sequence := range []uint64{7, 6} {
		temp, err := writeTemp(path, func(w io.Writer) error {
			_, err := fmt.Fprint(w, sequence)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.place(temp, path, manifestRow{}, &sdk.Result{Sequence: sequence}); err != nil {
			t.Fatal(err)
		}
	}
	expectFiles(t, dir, map[string]string{"task-000000.out": "7"})
}

func TestResultsErrors(t *testing.T) {
	fake := start(t, jobs.Submitter)
	dir := filepath.Join(t.TempDir(), "out")
	expect(t, 3, "results", "nosuch", "-o", dir)
	if _, err := os.Stat(dir); err == nil {
		t.Error("a wrong id made a directory")
	}
	fake.AddJob("bad", 2)
	fake.Accept(t, "bad", 0, []byte("x"))
	fake.Finish("bad", failed, "task 1: no agreement")
	_, stderr := expect(t, 1, "results", "bad", "-o", dir)
	expectMatch(t, stderr, `job bad: failed: task 1: no agreement`)
	expectFiles(t, dir, map[string]string{"task-000000.out": "x"})

	fake.AddJob("short", 2)
	fake.Finish("short", succeeded, "")
	_, stderr = expect(t, 1, "results", "short", "-o", t.TempDir())
	expectMatch(t, stderr, `results of job short: got 0 of 2`)
	if err := os.WriteFile(filepath.Join(t.TempDir(), "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, 2, "results", "bad", "-o", filepath.Join(dir, "task-000000.out"))
	_, stderr = expect(t, 2, "results", "bad", "-o", "-")
	expectMatch(t, stderr, `-o -: results are many files`)
}
