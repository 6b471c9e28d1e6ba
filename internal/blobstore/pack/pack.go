// Package pack keeps many small records in few files. A store of a million
// results of 200 bytes must not be a million files, each with a sync of its own.
//
// Records are appended to the newest of several segments; a batch costs one write
// and one sync. A record that is dropped is marked so in place, by one byte of its
// header: there are no tombstones whose order would have to be kept. The index is
// the owner's, which makes it from the headers: they are scanned when the log is
// opened. The log does not hash what the records hold: those that read them do.
//
// A segment with little left in it is compacted: the rest is appended again and
// synced, and only then the file removed. So a crash leaves two equal copies at
// worst.
package pack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// MaxSize is how long the content of a record may be, in bytes.
const MaxSize = 1 << 20

// ErrMoved: the segment was compacted meanwhile; the record's owner knows where it
// is now.
var ErrMoved = errors.New("record has moved")

// Key names a record's content.
type Key = [32]byte

// Record is what to keep: at most MaxSize bytes.
type Record struct {
	Key     Key
	Data    []byte
	Written time.Time // kept to the millisecond
}

// Place is where a record lies; the zero Place is nowhere.
type Place struct {
	segment *segment
	off     int64 // of the header
}

// IsZero tells whether p is nowhere.
func (p Place) IsZero() bool { return p.segment == nil }

// Cost is what a record of n bytes takes on disk.
func Cost(n int64) int64 { return headerSize + n }

// Config says where a Log lives.
type Config struct {
	// Dir is made if it is missing. One process at a time may use it.
	Dir string
	// Segment is the size in bytes beyond which a file is not appended to.
	Segment int64
}

// Found is a record that Open came upon.
type Found struct {
	Key     Key
	Size    int64
	Written time.Time
	Place   Place
}

// Log is safe for use by many goroutines. Locks are taken in this order:
// compacting, appending, segment.syncing, segment.use, mu.
type Log struct {
	dir   string
	limit int64

	compacting sync.Mutex // held while compacting
	appending  sync.Mutex // held while appending

	mu       sync.Mutex
	segments []*segment // by number; the last one is appended to
	size     int64      // bytes of all segments
	live     int64      // those of records that were not dropped
	enough   int64      // dead bytes up to which it is no use to compact
}

// Open tells of every record that was not dropped, in the order in which they were
// written. What a crash left unfinished at the end is cut off.
func Open(cfg Config, each func(Found)) (*Log, error) {
	l := &Log{dir: cfg.Dir, limit: cfg.Segment}
	err := os.MkdirAll(cfg.Dir, 0o700)
	if err == nil {
		err = l.scan(each)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open packs: %w", err), l.Close())
	}
	return l, nil
}

func (l *Log) scan(each func(Found)) error {
	names, err := os.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		number, salt, ok := parseName(name.Name())
		if !ok {
			continue
		}
		g := &segment{number: number, salt: salt, path: filepath.Join(l.dir, name.Name()), named: true}
		if g.file, err = os.OpenFile(g.path, os.O_RDWR, 0); err != nil {
			return err
		}
		l.segments = append(l.segments, g)
		if err := g.scan(each); err != nil {
			return err
		}
		l.size += g.size
		l.live += g.live
	}
	return l.cut()
}

// cut ends the newest segment after its last record.
func (l *Log) cut() error {
	if len(l.segments) == 0 {
		return nil
	}
	g := l.segments[len(l.segments)-1]
	l.size -= g.size - g.end
	g.size = g.end
	return g.file.Truncate(g.end)
}

// Close closes the files. It syncs nothing.
func (l *Log) Close() error {
	l.compacting.Lock()
	defer l.compacting.Unlock()
	l.appending.Lock()
	defer l.appending.Unlock()
	l.mu.Lock()
	segments := l.segments
	l.segments = nil
	l.mu.Unlock()
	var errs []error
	for _, g := range segments {
		errs = append(errs, g.close())
	}
	return errors.Join(errs...)
}

// Append writes records by one write. They outlive the process at once, and a power
// cut once they are synced. After an error none of them is there.
func (l *Log) Append(records []Record) ([]Place, error) {
	l.appending.Lock()
	defer l.appending.Unlock()
	g, err := l.newest()
	if err != nil {
		return nil, fmt.Errorf("append to pack: %w", err)
	}
	var buf []byte
	places := make([]Place, len(records))
	for i, r := range records {
		places[i] = Place{g, g.size + int64(len(buf))}
		buf = appendRecord(buf, r, g.salt)
	}
	if _, err := g.file.WriteAt(buf, g.size); err != nil {
		// What stays of it is overwritten by the next append, or cut off at the next start.
		return nil, fmt.Errorf("append to pack: %w", errors.Join(err, g.file.Truncate(g.size)))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := int64(len(buf))
	g.size, g.live = g.size+n, g.live+n
	l.size, l.live = l.size+n, l.live+n
	return places, nil
}

// newest is the segment to append to. The caller holds appending, without which
// its size does not change.
func (l *Log) newest() (*segment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.segments); n > 0 && l.segments[n-1].size < l.limit {
		return l.segments[n-1], nil
	}
	return l.grow()
}

// grow adds an empty segment. It is called with appending and mu held.
func (l *Log) grow() (*segment, error) {
	number := uint64(1)
	if n := len(l.segments); n > 0 {
		number = l.segments[n-1].number + 1
	}
	g, err := newSegment(l.dir, number)
	if err == nil {
		l.segments = append(l.segments, g)
	}
	return g, err
}

// Read gives the n bytes of a record's content, unverified; ErrMoved if it was
// moved since the caller got the place.
func (l *Log) Read(p Place, n int64) ([]byte, error) {
	data := make([]byte, n)
	err := p.segment.with(func(f *os.File) error {
		_, err := f.ReadAt(data, p.off+headerSize)
		return err
	})
	return data, err
}

// Drop forgets a record with n bytes of content. If the mark cannot be written, the
// record comes back at the next start.
func (l *Log) Drop(p Place, n int64) {
	l.release(p, n)
	_ = p.segment.with(func(f *os.File) error {
		_, err := f.WriteAt([]byte{dropped}, p.off+stateAt)
		return err
	})
}

// Wipe overwrites the n bytes of a record's content, before it is dropped.
func (l *Log) Wipe(p Place, n int64) error {
	return p.segment.with(func(f *os.File) error {
		_, err := f.WriteAt(make([]byte, n), p.off+headerSize)
		return err
	})
}

// release counts a record as not needed where it lies.
func (l *Log) release(p Place, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.segment.live -= Cost(n)
	l.live -= Cost(n)
}

// Sync makes the records at these places durable, together with others in the same
// files.
func (l *Log) Sync(places []Place) error {
	ends := make(map[*segment]int64)
	for _, p := range places {
		ends[p.segment] = max(ends[p.segment], p.off+1)
	}
	for g, end := range ends {
		if err := l.sync(g, end); err != nil {
			return fmt.Errorf("sync pack: %w", err)
		}
	}
	return nil
}

// sync makes a segment durable at least up to end. A call that waited for
// another's sync finds its own work done by it, or does it for all that wait.
func (l *Log) sync(g *segment, end int64) error {
	g.syncing.Lock()
	defer g.syncing.Unlock()
	if g.synced >= end {
		return nil
	}
	l.mu.Lock()
	size := g.size
	l.mu.Unlock()
	err := g.with(func(f *os.File) error { return f.Sync() })
	if errors.Is(err, ErrMoved) {
		return nil // what was live is durable elsewhere
	}
	if err != nil {
		return err
	}
	if !g.named {
		if err := SyncFolder(l.dir); err != nil {
			return err
		}
		g.named = true
	}
	g.synced = size
	return nil
}

// SyncAll makes all records durable.
func (l *Log) SyncAll() error {
	l.mu.Lock()
	var ends []Place
	for _, g := range l.segments {
		if g.size > 0 {
			ends = append(ends, Place{g, g.size - 1})
		}
	}
	l.mu.Unlock()
	return l.Sync(ends)
}

// Locate gives the file in which a record's content lies, and from which byte on. It
// is so until the record is moved.
func (l *Log) Locate(p Place) (path string, off int64) { return p.segment.path, p.off + headerSize }

// Dead is how many bytes on disk are of no record any more.
func (l *Log) Dead() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.size - l.live
}
