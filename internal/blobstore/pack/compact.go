package pack

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// Move is a record that was copied from one place to another.
type Move struct {
	Key      Key
	Size     int64
	From, To Place
}

// Owner has the index of a Log's records.
type Owner interface {
	// Lies tells whether the index says that the record is at a place.
	Lies(Key, Place) bool
	// Relocate changes the index and tells of which records it did: those that
	// are still where they were. The others were dropped or written again.
	Relocate([]Move) []bool
}

// batch is how many bytes are copied at a time.
const batch = 1 << 20

// Due tells whether Compact has something to do: nothing of a segment is needed any
// more, or what is dead comes to a segment and a quarter of what is needed, or the
// disk is short.
func (l *Log) Due(short bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next(short) != nil
}

// next is the segment to compact: the one with the smallest share that is needed. It
// is called with mu held.
func (l *Log) next(short bool) *segment {
	var least *segment
	for _, g := range l.segments {
		if g.left || g.live >= g.size/8*7 || g == l.last() && !short && g.size < l.limit {
			continue
		}
		if least == nil || float64(g.live)*float64(least.size) < float64(least.live)*float64(g.size) {
			least = g
		}
	}
	dead := l.size - l.live
	if least != nil && (least.live == 0 || dead > l.enough && (short || dead > l.live/4+l.limit)) {
		return least
	}
	return nil
}

func (l *Log) last() *segment { return l.segments[len(l.segments)-1] }

// Compact frees what dead records take, one segment's at a time, until no more is
// due. After an error the disk is left alone until more has died. Two calls at a
// time are one too many: the second does nothing.
func (l *Log) Compact(owner Owner, short bool) error {
	if !l.compacting.TryLock() {
		return nil
	}
	defer l.compacting.Unlock()
	for {
		g := l.take(short)
		if g == nil {
			return nil
		}
		err := l.compact(g, owner)
		l.mu.Lock()
		l.enough = 0
		if err != nil {
			l.enough = l.size - l.live + l.limit/4
		}
		l.mu.Unlock()
		if err != nil {
			return fmt.Errorf("compact pack %d: %w", g.number, err)
		}
	}
}

// take finds the segment to compact, and sees to it that nothing is appended to it.
func (l *Log) take(short bool) *segment {
	l.appending.Lock()
	defer l.appending.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.next(short)
	if g == nil || g != l.last() {
		return g
	}
	if _, err := l.grow(); err != nil {
		return nil // the next append says why
	}
	return g
}

// compact moves what is needed of a segment and removes the file. Dead copies are
// not marked in the old file: the new ones may not be durable yet.
func (l *Log) compact(g *segment, owner Owner) error {
	c := copying{log: l, owner: owner}
	if l.liveIn(g) > 0 {
		err := g.walk(g.size, func(f Found, state byte) error {
			if state != kept || !owner.Lies(f.Key, f.Place) {
				return nil
			}
			return c.add(f)
		})
		if err = errors.Join(err, c.flush()); err != nil {
			return err
		}
	}
	if err := l.Sync(c.made); err != nil {
		return err
	}
	l.mu.Lock()
	if g.live > 0 {
		// A record was appended and is not in the index yet, or a
		// header is unreadable by now.
		g.left = true
		l.mu.Unlock()
		return nil
	}
	l.segments = slices.DeleteFunc(l.segments, func(other *segment) bool { return other == g })
	l.size -= g.size
	l.mu.Unlock()
	return errors.Join(g.close(), os.Remove(g.path))
}

func (l *Log) liveIn(g *segment) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return g.live
}

// copying is what is to be appended again.
type copying struct {
	log     *Log
	owner   Owner
	records []Record
	from    []Found
	bytes   int64
	made    []Place // the last one of each batch
}

func (c *copying) add(f Found) error {
	data, err := c.log.Read(f.Place, f.Size)
	if err != nil {
		return nil // it stays behind, to be noticed when it is read
	}
	c.records = append(c.records, Record{f.Key, data, f.Written})
	c.from = append(c.from, f)
	if c.bytes += Cost(f.Size); c.bytes < batch {
		return nil
	}
	return c.flush()
}

func (c *copying) flush() error {
	if len(c.records) == 0 {
		return nil
	}
	places, err := c.log.Append(c.records)
	if err != nil {
		return err
	}
	moves := make([]Move, len(places))
	for i, f := range c.from {
		moves[i] = Move{f.Key, f.Size, f.Place, places[i]}
	}
	for i, done := range c.owner.Relocate(moves) {
		if done {
			c.log.release(moves[i].From, moves[i].Size)
		} else {
			c.log.Drop(moves[i].To, moves[i].Size)
		}
	}
	c.made = append(c.made, places[len(places)-1])
	c.records, c.from, c.bytes = nil, nil, 0
	return nil
}
