package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// manifestName is the file in a directory of results that says what became of each task:
// a line each, its columns separated by tabs. Its name begins with a dot, so that
// `cat DIR/*` gives results alone.
const manifestName = ".manifest.tsv"

const manifestColumns = "task\tinput\tstate\tbytes\tsha256\texit_code\tjob"

// The states of tasks in a manifest.
const (
	stateDone    = "done"
	stateFailed  = "failed"
	stateMissing = "missing" // the job ended before it had a result
)

// manifest is what is known of tasks, by their indexes.
type manifest map[int]manifestRow

// manifestRow is what became of a task.
type manifestRow struct {
	input    string
	state    string
	bytes    int64    // of done
	sha256   [32]byte // of done
	exitCode string   // of failed, unless it was given up
	job      string
}

// cells are a row's columns after the first.
func (r manifestRow) cells() []string {
	size, digest := "", ""
	if r.state == stateDone {
		size, digest = strconv.FormatInt(r.bytes, 10), fmt.Sprintf("%x", r.sha256)
	}
	return []string{escapeCell(r.input), r.state, size, digest, r.exitCode, r.job}
}

var cellEscapes = strings.NewReplacer("\\", `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// escapeCell keeps a value in its column.
func escapeCell(s string) string { return cellEscapes.Replace(s) }

// write puts the manifest into a directory. What an earlier one says of tasks that are
// done, and of which this one does not know that, stays: a job and its retries share a
// directory.
func (m manifest) write(dir string) error {
	path := filepath.Join(dir, manifestName)
	earlier, err := earlierRows(path)
	if err != nil {
		return fmt.Errorf("read earlier manifest: %w", err)
	}
	temp, err := writeTemp(path, func(w io.Writer) error { return m.encode(w, earlier) })
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (m manifest) encode(w io.Writer, earlier map[int]string) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, manifestColumns)
	tasks := maps.Clone(earlier)
	for task := range m {
		tasks[task] = ""
	}
	for _, task := range slices.Sorted(maps.Keys(tasks)) {
		row, known := m[task]
		line, before := earlier[task]
		if known && !(before && row.state != stateDone && isDone(line)) {
			line = strings.Join(append([]string{strconv.Itoa(task)}, row.cells()...), "\t")
		}
		fmt.Fprintln(out, line)
	}
	return out.Flush()
}

func isDone(line string) bool {
	cells := strings.Split(line, "\t")
	return len(cells) > 2 && cells[2] == stateDone
}

// earlierRows are the lines of a manifest by their tasks; none if there is no manifest.
func earlierRows(path string) (map[int]string, error) {
	rows := map[int]string{}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return rows, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		number, _, _ := strings.Cut(lines.Text(), "\t")
		if task, err := strconv.Atoi(number); err == nil {
			rows[task] = lines.Text()
		}
	}
	return rows, lines.Err()
}
