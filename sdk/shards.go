package sdk

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/anthill-grid/anthill/internal/steady"
)

// shards is an input as one stream, and where the tasks begin in it.
type shards interface {
	io.Reader
	// offsets is known once the stream has been read to its end: where each
	// task begins, in order, and then where the last one ends.
	offsets() []uint64
}

// encodeIndex writes offsets as the index blob has them: big-endian, 64 bits.
func encodeIndex(offsets []uint64) []byte {
	index := make([]byte, 0, 8*len(offsets))
	for _, offset := range offsets {
		index = binary.BigEndian.AppendUint64(index, offset)
	}
	return index
}

// packer reads files one after the other. With limit 0 each is a task;
// otherwise whole files share one as long as it does not outgrow the limit,
// and each ends in a line end.
type packer struct {
	paths  []string // not opened yet
	limit  int64
	file   *steady.File // nil between files
	pad    bool         // a line end must follow the open file
	at     int64        // bytes given so far
	starts []uint64
	groups [][]string // the paths of each task's files
}

func (p *packer) Read(buf []byte) (int, error) {
	if len(buf) == 0 {
		return 0, nil
	}
	for {
		if p.file == nil && len(p.paths) == 0 {
			return 0, io.EOF
		}
		if p.file == nil {
			if err := p.open(); err != nil {
				return 0, err
			}
		}
		n, err := p.readOpen(buf)
		p.at += int64(n)
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// readOpen reads from the open file and closes it at its end.
func (p *packer) readOpen(buf []byte) (int, error) {
	n, err := p.file.Read(buf)
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	err = p.file.Close()
	p.file = nil
	if err == nil && p.pad {
		buf[0], n = '\n', 1
	}
	return n, err
}

func (p *packer) open() error {
	file, err := steady.Open(p.paths[0])
	if err != nil {
		return err
	}
	p.paths = p.paths[1:]
	size, err := p.measure(file)
	if err != nil {
		return errors.Join(fmt.Errorf("read %s: %w", file.Name(), reason(err)), file.Close())
	}
	p.file = file
	if p.begins(size) {
		p.starts = append(p.starts, uint64(p.at))
		p.groups = append(p.groups, nil)
	}
	last := &p.groups[len(p.groups)-1]
	*last = append(*last, file.Name())
	return nil
}

// measure tells how much the file will add to the stream, and notes whether it
// lacks its last line end.
func (p *packer) measure(file *steady.File) (int64, error) {
	size := file.Size()
	p.pad = false
	if p.limit == 0 || size == 0 {
		return size, nil
	}
	var last [1]byte
	if _, err := file.ReadAt(last[:], size-1); errors.Is(err, io.EOF) {
		return 0, steady.Changed(file.Name())
	} else if err != nil {
		return 0, err
	}
	if p.pad = last[0] != '\n'; p.pad {
		size++
	}
	return size, nil
}

// begins tells whether a file of this size is the first of a task.
func (p *packer) begins(size int64) bool {
	if p.limit == 0 || len(p.starts) == 0 {
		return true
	}
	used := p.at - int64(p.starts[len(p.starts)-1])
	return used > 0 && used+size > p.limit
}

func (p *packer) offsets() []uint64 { return append(p.starts, uint64(p.at)) }

// close ends a packer that was not read to its end.
func (p *packer) close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

// lineSplitter reads a stream whose tasks are runs of lines.
type lineSplitter struct {
	in     io.Reader
	lines  int64 // in a task
	inTask int64 // line ends seen in the current task
	at     int64
	starts []uint64
}

func (s *lineSplitter) Read(buf []byte) (int, error) {
	n, err := s.in.Read(buf)
	rest := buf[:n]
	for len(rest) > 0 {
		if s.inTask == s.lines || s.at == 0 {
			s.starts = append(s.starts, uint64(s.at))
			s.inTask = 0
		}
		line := bytes.IndexByte(rest, '\n') + 1
		if line == 0 {
			line = len(rest)
		} else {
			s.inTask++
		}
		s.at += int64(line)
		rest = rest[line:]
	}
	return n, err
}

func (s *lineSplitter) offsets() []uint64 { return append(s.starts, uint64(s.at)) }

// itemList is a list of values as a stream of lines.
type itemList struct {
	bytes.Buffer
	ends []uint64
}

func newItemList(items []any) (*itemList, error) {
	list := &itemList{ends: []uint64{0}}
	encoder := json.NewEncoder(list) // which adds a line end
	encoder.SetEscapeHTML(false)
	for i, item := range items {
		if text, is := item.(string); is {
			list.WriteString(text + "\n")
		} else if err := encoder.Encode(item); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
		list.ends = append(list.ends, uint64(list.Len()))
	}
	return list, nil
}

func (l *itemList) offsets() []uint64 { return l.ends }

// labels are the items, shortened.
func (l *itemList) labels() (list []taskLabel) {
	for i, end := range l.ends[1:] {
		list = append(list, taskLabel{Text: shortText(string(l.Bytes()[l.ends[i]:end]))})
	}
	return list
}
