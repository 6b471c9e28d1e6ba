// Package logbook keeps what attempts wrote to stderr at their ends, where they failed or are
// disputed, and how their answers differ, for the owner of the job to read. The leader keeps what is reported to it, in a
// file for each job on its own disk: no byte of it goes through the log, nothing is decided
// by it, and what a lost coordinator had is lost.
package logbook

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// MaxText bounds the log of one attempt: of a longer one the end is kept.
	MaxText = 64 << 10
	// jobBytes bounds what is kept of a job. What comes first is kept: later failures are
	// mostly the same. donorBytes bounds what the workers of one owner may fill of it.
	jobBytes   = 16 << 20
	donorBytes = jobBytes / 4
	// ownerBytes bounds what is kept of the jobs of an owner, and allBytes of all.
	ownerBytes = 128 << 20
	allBytes   = 1 << 30
	// overhead is what a record counts besides its text.
	overhead = 128
	// maxRecord is more than any record has.
	maxRecord = MaxText + 16<<10
)

// Book is what a coordinator keeps.
type Book struct {
	dir string

	mu     sync.Mutex
	pages  map[jobs.JobID]*page
	all    int64
	owners map[jobs.OwnerID]int64 // of jobs
}

// page is about a job's file.
type page struct {
	owner  jobs.OwnerID // of the job; "" if it was there when the book was opened
	size   int64        // of whole records
	donors map[string]int64
}

// Open opens the book in a directory.
func Open(dir string) (*Book, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open logs of attempts: %w", err)
	}
	b := &Book{dir: dir, pages: map[jobs.JobID]*page{}, owners: map[jobs.OwnerID]int64{}}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("open logs of attempts: %w", err)
	}
	for _, entry := range entries {
		id, ok := strings.CutSuffix(entry.Name(), suffix)
		if !ok {
			continue
		}
		p := &page{donors: map[string]int64{}}
		_ = b.records(jobs.JobID(id), func(log *anthillv1.StreamLogsResponse, end int64) bool {
			p.donors[log.GetOwner()] += weight(log)
			p.size = end
			return true
		})
		b.pages[jobs.JobID(id)] = p
		b.all += p.size
	}
	return b, nil
}

// suffix of a job's file.
const suffix = ".attempts"

func (b *Book) path(job jobs.JobID) string { return filepath.Join(b.dir, string(job)+suffix) }

func weight(log *anthillv1.StreamLogsResponse) int64 {
	return int64(len(log.GetText())+len(log.GetDifference().GetText())) + overhead
}

// Keep keeps the logs of attempts at a job of this owner's, as far as there is room.
func (b *Book) Keep(job jobs.JobID, owner jobs.OwnerID, logs ...*anthillv1.StreamLogsResponse) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.pages[job]
	if p == nil {
		p = &page{donors: map[string]int64{}}
		b.pages[job] = p
	}
	if p.owner == "" {
		p.owner = owner
		b.owners[owner] += p.size
	}
	var text []byte
	for _, log := range logs {
		room := min(jobBytes-p.size, ownerBytes-b.owners[owner], allBytes-b.all) - int64(len(text))
		if w := weight(log); w > room || p.donors[log.GetOwner()]+w > donorBytes {
			continue
		}
		record, err := proto.Marshal(log)
		if err != nil || len(record) > maxRecord {
			continue
		}
		p.donors[log.GetOwner()] += weight(log)
		text = append(binary.BigEndian.AppendUint32(text, uint32(len(record))), record...)
	}
	if len(text) == 0 {
		return nil
	}
	return b.write(job, p, text)
}

// write puts records after the last whole one: a process that was killed may have left a
// part behind.
func (b *Book) write(job jobs.JobID, p *page, text []byte) error {
	file, err := os.OpenFile(b.path(job), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("keep logs of job %s: %w", job, err)
	}
	_, err = file.WriteAt(text, p.size)
	if err == nil {
		err = file.Truncate(p.size + int64(len(text)))
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("keep logs of job %s: %w", job, err)
	}
	p.size += int64(len(text))
	b.all += int64(len(text))
	b.owners[p.owner] += int64(len(text))
	return nil
}

// Read gives the logs that are asked for, in the order in which they came, until take says
// false.
func (b *Book) Read(req *anthillv1.ReadLogsRequest, take func(*anthillv1.StreamLogsResponse) bool) error {
	job, skip := jobs.JobID(req.GetJobId()), req.GetSkip()
	b.mu.Lock()
	p := b.pages[job]
	size := int64(0)
	if p != nil {
		size = p.size
	}
	b.mu.Unlock()
	return b.records(job, func(log *anthillv1.StreamLogsResponse, end int64) bool {
		if end > size {
			return false
		}
		if req.Task != nil && req.GetTask() != log.GetTask() || req.GetDiffering() && log.GetDifference() == nil {
			return true
		}
		if skip > 0 {
			skip--
			return true
		}
		if req.GetDiffering() {
			log.Text = nil
		}
		return take(log)
	})
}

// records reads a job's file up to its end, or to a record that is not whole.
func (b *Book) records(job jobs.JobID, take func(log *anthillv1.StreamLogsResponse, end int64) bool) error {
	file, err := os.Open(b.path(job))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read logs of job %s: %w", job, err)
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, MaxText)
	for end := int64(0); ; {
		var head [4]byte
		if _, err := io.ReadFull(in, head[:]); err != nil {
			return nil
		}
		n := binary.BigEndian.Uint32(head[:])
		if n > maxRecord {
			return nil
		}
		record := make([]byte, n)
		if _, err := io.ReadFull(in, record); err != nil {
			return nil
		}
		log := &anthillv1.StreamLogsResponse{}
		if err := proto.Unmarshal(record, log); err != nil {
			return nil
		}
		if end += 4 + int64(n); !take(log, end) {
			return nil
		}
	}
}

// Sweep removes what is kept of jobs that are not there any more.
func (b *Book) Sweep(there func(jobs.JobID) bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for id, p := range b.pages {
		if there(id) {
			continue
		}
		if err := os.Remove(b.path(id)); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		delete(b.pages, id)
		b.all -= p.size
		if p.owner != "" {
			if b.owners[p.owner] -= p.size; b.owners[p.owner] <= 0 {
				delete(b.owners, p.owner)
			}
		}
	}
	return errors.Join(errs...)
}
