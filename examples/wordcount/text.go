package wordcount

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// WriteTo writes a line "word count" for each word, sorted by the words'
// bytes: equal counts make equal bytes, whatever order they were made in.
func (c *Counts) WriteTo(w io.Writer) (int64, error) {
	var written int64
	line := make([]byte, 0, MaxWord+32)
	buf := bufio.NewWriterSize(w, 64<<10)
	for _, e := range c.sorted() {
		line = append(line[:0], c.word(e)...)
		line = append(line, ' ')
		line = strconv.AppendUint(line, e.count, 10)
		n, err := buf.Write(append(line, '\n'))
		written += int64(n)
		if err != nil {
			return written, fmt.Errorf("write counts: %w", err)
		}
	}
	if err := buf.Flush(); err != nil {
		return written - int64(buf.Buffered()), fmt.Errorf("write counts: %w", err)
	}
	return written, nil
}

// ReadCounts reads what WriteTo wrote. An error names the line.
func ReadCounts(r io.Reader) (*Counts, error) {
	c := new(Counts)
	lines := bufio.NewScanner(r)
	number := 0
	for lines.Scan() {
		number++
		word, count, err := parseLine(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("read counts: line %d: %w", number, err)
		}
		c.add(word, hashOf(word), count)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read counts: line %d: %w", number+1, err)
	}
	return c, nil
}

var errLine = errors.New(`want "word count"`)

func parseLine(line []byte) (word []byte, count uint64, err error) {
	word, digits, ok := bytes.Cut(line, []byte{' '})
	if !ok || len(word) == 0 || len(word) > MaxWord {
		return nil, 0, errLine
	}
	count, err = strconv.ParseUint(string(digits), 10, 63)
	if err != nil || count == 0 {
		return nil, 0, errLine
	}
	return word, count, nil
}
