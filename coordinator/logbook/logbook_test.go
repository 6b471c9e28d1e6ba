package logbook

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func log(task uint32, donor, text string) *anthillv1.StreamLogsResponse {
	return &anthillv1.StreamLogsResponse{Task: task, Owner: donor, Text: []byte(text)}
}

func open(t *testing.T, dir string) *Book {
	t.Helper()
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func keep(t *testing.T, b *Book, job jobs.JobID, owner jobs.OwnerID, logs ...*anthillv1.StreamLogsResponse) {
	t.Helper()
	if err := b.Keep(job, owner, logs...); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, b *Book, job jobs.JobID, task *uint32, skip int) (texts []string) {
	t.Helper()
	err := b.Read(&anthillv1.ReadLogsRequest{JobId: string(job), Task: task, Skip: uint32(skip)}, func(l *anthillv1.StreamLogsResponse) bool {
		texts = append(texts, fmt.Sprintf("%d %s", l.GetTask(), l.GetText()))
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestWhatWasKeptIsRead(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	keep(t, b, "j", "ada", log(1, "w", "one"), log(2, "w", "two"))
	keep(t, b, "j", "ada", log(1, "v", "again"))
	two := uint32(1)
	for range 2 { // and once more after a restart
		if got := fmt.Sprint(read(t, b, "j", nil, 0), read(t, b, "j", &two, 1), read(t, b, "k", nil, 0)); got != "[1 one 2 two 1 again] [1 again] []" {
			t.Error(got)
		}
		b = open(t, dir)
	}
	// A torn end is written over.
	file, err := os.OpenFile(b.path("j"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte{0, 0, 0, 99, 1, 2}); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir)
	keep(t, b, "j", "ada", log(3, "v", "three"))
	if got := fmt.Sprint(read(t, b, "j", nil, 2)); got != "[1 again 3 three]" {
		t.Error(got)
	}
	if err := b.Sweep(func(jobs.JobID) bool { return false }); err != nil || len(read(t, b, "j", nil, 0)) > 0 || b.all != 0 || len(b.owners) != 0 {
		t.Errorf("after the sweep: %v, %d bytes, %v", err, b.all, b.owners)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("%v are left, %v", entries, err)
	}
}

// TestNobodyFillsTheDisk: neither the workers of one owner, nor a job, nor its owner's.
func TestNobodyFillsTheDisk(t *testing.T) {
	b := open(t, t.TempDir())
	text := string(bytes.Repeat([]byte("x"), MaxText))
	for range 2 * donorBytes / MaxText {
		keep(t, b, "j", "ada", log(1, "liar", text))
	}
	if size := b.pages["j"].size; size > donorBytes || size < donorBytes/2 {
		t.Errorf("one donor has filled %d", size)
	}
	for i := range 2 * jobBytes / MaxText {
		keep(t, b, "j", "ada", log(1, fmt.Sprint(i%50), text))
	}
	if size := b.pages["j"].size; size > jobBytes || size < jobBytes/2 {
		t.Errorf("a job has filled %d", size)
	}
	for i := range 2 * ownerBytes / jobBytes {
		for k := range 2 * jobBytes / MaxText {
			keep(t, b, jobs.JobID(fmt.Sprint("j", i)), "ada", log(1, fmt.Sprint(k%50), text))
		}
	}
	if size := b.owners["ada"]; size > ownerBytes || size < ownerBytes/2 {
		t.Errorf("an owner's jobs have filled %d", size)
	}
	before := b.all
	if keep(t, b, "other", "bruno", log(1, "w", "his")); b.all == before {
		t.Error("another owner finds no room")
	}
}

func TestWaitingHasAnEnd(t *testing.T) {
	w := NewWaiting()
	text := string(bytes.Repeat([]byte("x"), MaxText))
	for i := range 2 * waitingBytes / MaxText {
		w.Add("j", log(uint32(i), "w", text), nil)
	}
	if w.bytes > waitingBytes || len(w.Take("j", 0)) != 0 {
		t.Errorf("%d bytes wait", w.bytes)
	}
	last := uint32(2*waitingBytes/MaxText - 1)
	w.Add("j", log(last, "v", "other"), nil)
	if got := w.Take("j", last); len(got) != 2 || len(w.Take("j", last)) != 0 {
		t.Errorf("took %d", len(got))
	}
}
