package pack

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// A record is a header and its content. The header, big endian: 4 bytes of magic, 1
// of state, 3 of zeros, the content's length in 4, milliseconds since 1970 in 8, the
// key in 32, and in 4 the CRC-32C of the segment's salt and of all but the state.
const (
	magic      = "AHP1"
	stateAt    = 4
	sizeAt     = 8
	writtenAt  = 12
	keyAt      = 20
	sumAt      = 52
	headerSize = 56

	kept    = 'K'
	dropped = 'D'
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// segment is one file of records.
type segment struct {
	number uint64
	salt   uint64 // so that content cannot be taken for a header
	path   string

	// use is held for reading while file is used, and for writing when it is closed.
	use    sync.RWMutex
	file   *os.File
	closed bool

	syncing sync.Mutex
	synced  int64 // bytes that are durable; syncing guards it
	named   bool  // the file's name is durable; syncing guards it

	end  int64 // of the last record that scan found
	size int64 // Log.mu guards what follows
	live int64 // bytes of records that are needed
	left bool  // compacting left something behind that it could not place
}

func newSegment(dir string, number uint64) (*segment, error) {
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails
	g := &segment{number: number, salt: binary.BigEndian.Uint64(salt[:])}
	g.path = filepath.Join(dir, fmt.Sprintf("%010d-%016x.pack", number, g.salt))
	var err error
	g.file, err = os.OpenFile(g.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	return g, err
}

func parseName(name string) (number, salt uint64, ok bool) {
	n, err := fmt.Sscanf(name, "%010d-%016x.pack", &number, &salt)
	return number, salt, err == nil && n == 2 && name == fmt.Sprintf("%010d-%016x.pack", number, salt)
}

// with calls do with the open file; ErrMoved if it was closed for good.
func (g *segment) with(do func(*os.File) error) error {
	g.use.RLock()
	defer g.use.RUnlock()
	if g.closed {
		return ErrMoved
	}
	return do(g.file)
}

func (g *segment) close() error {
	g.use.Lock()
	defer g.use.Unlock()
	if g.closed || g.file == nil {
		return nil
	}
	g.closed = true
	return g.file.Close()
}

func appendRecord(buf []byte, r Record, salt uint64) []byte {
	if len(r.Data) > MaxSize {
		panic(fmt.Sprintf("pack: a record of %d bytes, more than %d", len(r.Data), MaxSize))
	}
	start := len(buf)
	buf = append(buf, magic...)
	buf = append(buf, kept, 0, 0, 0)
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(r.Data)))
	buf = binary.BigEndian.AppendUint64(buf, uint64(r.Written.UnixMilli()))
	buf = append(buf, r.Key[:]...)
	buf = binary.BigEndian.AppendUint32(buf, checksum(buf[start:], salt))
	return append(buf, r.Data...)
}

func checksum(header []byte, salt uint64) uint32 {
	sum := crc32.Update(0, castagnoli, binary.BigEndian.AppendUint64(nil, salt))
	sum = crc32.Update(sum, castagnoli, header[:stateAt])
	return crc32.Update(sum, castagnoli, header[sizeAt:sumAt])
}

// decode reads a header; false if it is none.
func decode(h []byte, salt uint64) (f Found, state byte, ok bool) {
	if string(h[:len(magic)]) != magic || checksum(h, salt) != binary.BigEndian.Uint32(h[sumAt:]) {
		return f, 0, false
	}
	f.Size = int64(binary.BigEndian.Uint32(h[sizeAt:]))
	f.Written = time.UnixMilli(int64(binary.BigEndian.Uint64(h[writtenAt:])))
	copy(f.Key[:], h[keyAt:])
	return f, h[stateAt], f.Size <= MaxSize
}

// scan fills in what is known of the segment, and tells of its records.
func (g *segment) scan(each func(Found)) error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	g.size = info.Size()
	return g.walk(g.size, func(f Found, state byte) error {
		g.end = f.Place.off + Cost(f.Size)
		if state == kept {
			g.live += Cost(f.Size)
			each(f)
		}
		return nil
	})
}

// farther is from how many bytes on it is cheaper to seek than to read on.
const farther = 64 << 10

// walk reads the headers up to size. Behind bytes that are none, because a disk
// rots or a power cut left a hole, it looks for the next.
func (g *segment) walk(size int64, each func(f Found, state byte) error) error {
	in := bufio.NewReaderSize(io.NewSectionReader(g.file, 0, size), 256<<10)
	for off := int64(0); off+headerSize <= size; {
		h, err := in.Peek(headerSize)
		if err != nil {
			return err
		}
		f, state, ok := decode(h, g.salt)
		step := Cost(f.Size)
		if !ok || off+step > size {
			_, _ = in.Discard(1) // it was peeked at
			off++
			continue
		}
		f.Place = Place{g, off}
		if err := each(f, state); err != nil {
			return err
		}
		off += step
		if step > farther {
			in.Reset(io.NewSectionReader(g.file, off, size-off))
		} else if _, err := in.Discard(int(step)); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	return nil
}
