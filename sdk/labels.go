package sdk

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/anthill-grid/anthill/jobs"
)

// The labels of a job's input say what its tasks read, in the words of the job file. They
// are a blob that the grid keeps with the input and does not read: JSON, one value a
// line. The first is about all of the input; one for each task follows where there is
// more to say.

// labels is that text.
type labels struct {
	labelHead
	// tasks is empty, or has as many as the job has tasks.
	tasks []taskLabel
}

// labelHead is about all of the input. File is what was split, into runs of so many Lines
// or Bytes.
type labelHead struct {
	File  string `json:"file,omitempty"`
	Lines int64  `json:"lines,omitempty"`
	Bytes int64  `json:"bytes,omitempty"`
	// Of is the whole input, where the job's is a part of it.
	Of *wholeInput `json:"of,omitempty"`
}

// wholeInput is the input of a job of which another one runs some tasks.
type wholeInput struct {
	Job    string `json:"job"`
	Tasks  int    `json:"tasks"`
	Digest string `json:"digest"` // see inputDigest
}

// taskLabel is what one task reads: files, or what an item or a line begins with. Task is
// its index in the whole input, where the job's is a part of one.
type taskLabel struct {
	Task  int      `json:"task,omitempty"`
	Files []string `json:"files,omitempty"`
	Text  string   `json:"text,omitempty"`
}

// labelText bounds Text in bytes.
const labelText = 200

// maxLabel bounds a line of labels when they are read.
const maxLabel = 64 << 20

func (l *labels) encode() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text) // which adds a line end
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(l.labelHead); err != nil {
		return nil, fmt.Errorf("write labels of the input: %w", err)
	}
	for i := range l.tasks {
		if err := encoder.Encode(&l.tasks[i]); err != nil {
			return nil, fmt.Errorf("write label of task %d: %w", i, err)
		}
	}
	return text.Bytes(), nil
}

// readLabels reads those of a job with so many tasks.
func readLabels(in io.Reader, tasks int) (*labels, error) {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLabel)
	l := &labels{}
	if !lines.Scan() {
		return nil, errors.Join(errors.New("read labels of the input: they are empty"), lines.Err())
	}
	if err := json.Unmarshal(lines.Bytes(), &l.labelHead); err != nil {
		return nil, fmt.Errorf("read labels of the input: %w", err)
	}
	for lines.Scan() {
		var t taskLabel
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			return nil, fmt.Errorf("read label of task %d: %w", len(l.tasks), err)
		}
		l.tasks = append(l.tasks, t)
	}
	if n := len(l.tasks); n != 0 && n != tasks {
		return nil, fmt.Errorf("read labels of the input: they are of %d tasks, and the job has %d", n, tasks)
	}
	return l, lines.Err()
}

// at is the label of a task by its index in the job.
func (l *labels) at(i int) taskLabel {
	if i < len(l.tasks) {
		return l.tasks[i]
	}
	return taskLabel{Task: i}
}

// describe says in a few words what the task with a label reads, or "". index is the
// task's in the whole input.
func (l *labels) describe(t taskLabel, index int) string {
	switch {
	case len(t.Files) == 1:
		return t.Files[0]
	case len(t.Files) > 1:
		return fmt.Sprintf("%d files: %s", len(t.Files), strings.Join(t.Files[:min(3, len(t.Files))], ", ")+more(len(t.Files)-3))
	case t.Text != "":
		return t.Text
	case l.Lines > 0:
		return fmt.Sprintf("lines %d to %d of %s", int64(index)*l.Lines+1, int64(index+1)*l.Lines, l.File)
	case l.Bytes > 0:
		return fmt.Sprintf("bytes %d to %d of %s", int64(index)*l.Bytes, int64(index+1)*l.Bytes, l.File)
	}
	return ""
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return ", ..."
}

// shortText is what an item, or a line, begins with.
func shortText(s string) string {
	s = strings.ToValidUTF8(strings.TrimRight(s, "\n"), "?")
	if len(s) <= labelText {
		return s
	}
	cut := labelText - len("...")
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}

// labelName is how a file is called in labels: from the directory of the job file on,
// wherever that lies on this machine.
func (f *JobFile) labelName(path string) string {
	if relative, err := filepath.Rel(filepath.Dir(f.Path), path); err == nil {
		path = relative
	}
	return strings.ToValidUTF8(filepath.ToSlash(path), "?")
}

func (p *Prepared) labelNames(paths []string) (names []string) {
	for _, path := range paths {
		names = append(names, p.file.labelName(path))
	}
	return names
}

// inputDigest tells inputs of different content apart.
func inputDigest(in jobs.Input) string {
	switch b := in.Blob; {
	case in.Range != nil:
		return fmt.Sprintf("range %d %d %d", in.Range.From, in.Range.To, in.Range.Step)
	case b == nil:
		return ""
	case b.Index != nil:
		return fmt.Sprintf("blob %v %d by index %v", b.Blob.ID, b.Blob.Size, b.Index.ID)
	default:
		return fmt.Sprintf("blob %v %d by %d bytes", b.Blob.ID, b.Blob.Size, b.ShardSize)
	}
}
