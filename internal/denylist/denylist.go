// Package denylist reads the lists of blobs that a node is to keep away from, in the
// compact format of IPIP-383 (.deny files): an optional header in YAML that ends with a
// line of ---, then a rule a line.
//
//	# a comment
//	/anthill/BLOB reason=takedown-17     this blob; what follows are hints, which are for people
//	BLOB                                 the same
//	//HASH                               the blob whose id has this SHA-256: printf %s BLOB | sha256sum
//	!/anthill/BLOB                       not this blob; the last rule that fits counts
//
// BLOB is an id in hex, such as `anthill put` prints. What the format has for IPFS alone
// (paths, IPNS, CIDs) names nothing in this grid, and is reported as not understood.
package denylist

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/yamltree"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// MaxSize bounds a list, in bytes: a million rules.
	MaxSize = 128 << 20
	// maxLine and maxHeader are the format's own.
	maxLine   = 2 << 20
	maxHeader = 1 << 20
	// maxFaults bounds the lines of which it is told what is wrong with them.
	maxFaults = 10
)

// List says which blobs are denied. The zero value denies none.
type List struct {
	rules map[jobs.DenyKey]bool // denied, or excepted
}

// Fault is a line that was not understood.
type Fault struct {
	Line int
	Why  string
}

func (f Fault) String() string { return fmt.Sprintf("line %d: %s", f.Line, f.Why) }

// Len is the number of blobs that have a rule.
func (l *List) Len() int { return len(l.rules) }

// Keys are those of the blobs that are denied, in order.
func (l *List) Keys() (keys []jobs.DenyKey) {
	for key, denied := range l.rules {
		if denied {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// Rule says what the list has of a blob: that it is denied, or excepted, or nothing.
func (l *List) Rule(key jobs.DenyKey) (denied, said bool) {
	denied, said = l.rules[key]
	return denied, said
}

// Parse reads a list. Lines that it does not understand are passed over, and the first of
// them returned; an error means that nothing of the list counts.
func Parse(r io.Reader) (*List, []Fault, error) {
	text, err := io.ReadAll(io.LimitReader(r, MaxSize+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("read deny list: %w", err)
	case len(text) > MaxSize:
		return nil, nil, fmt.Errorf("read deny list: it has more than %d MiB", MaxSize>>20)
	}
	body, line, err := cutHeader(text)
	if err != nil {
		return nil, nil, fmt.Errorf("read deny list: header: %w", err)
	}
	l := &List{rules: map[jobs.DenyKey]bool{}}
	var faults []Fault
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, maxLine)
	for ; lines.Scan(); line++ {
		if why := l.add(lines.Text()); why != "" && len(faults) < maxFaults {
			faults = append(faults, Fault{line, why})
		}
	}
	if err := lines.Err(); err != nil {
		return nil, nil, fmt.Errorf("read deny list: line %d: %w", line, err)
	}
	return l, faults, nil
}

// cutHeader takes the header off, and says on which line the rest begins.
func cutHeader(text []byte) (body []byte, line int, err error) {
	rest, line := text, 1
	for len(text)-len(rest) < maxHeader && len(rest) > 0 {
		var row []byte
		row, rest, _ = bytes.Cut(rest, []byte("\n"))
		line++
		if string(bytes.TrimRight(row, "\r")) == "---" {
			return rest, line, checkHeader(text[:len(text)-len(rest)-len(row)-1])
		}
	}
	return text, 1, nil
}

// checkHeader refuses a list of a version that means something else.
func checkHeader(header []byte) error {
	tree, err := yamltree.Parse(header)
	if err != nil {
		return err
	}
	for _, e := range tree.Fields {
		if e.Name == "version" && e.Value.Text != "1" {
			return fmt.Errorf("it is of version %q, and this release reads version 1", e.Value.Text)
		}
	}
	return nil
}

// add takes a line in, and says why it could not.
func (l *List) add(line string) (why string) {
	rule, hints, _ := strings.Cut(strings.TrimSpace(line), " ")
	if rule == "" || strings.HasPrefix(rule, "#") {
		return ""
	}
	for _, hint := range strings.Fields(hints) {
		if !strings.Contains(hint, "=") {
			return fmt.Sprintf("%.40q is no hint: write NAME=VALUE", hint)
		}
	}
	rule, excepted := strings.CutPrefix(rule, "!")
	key, err := ParseRule(rule)
	if err != nil {
		return err.Error()
	}
	l.rules[key] = !excepted
	return ""
}

// errRule is of what names no blob.
var errRule = errors.New("want /anthill/BLOB, the id of a blob, or //HASH")

// ParseRule reads what names a blob in a list.
func ParseRule(rule string) (jobs.DenyKey, error) {
	if hash, double := strings.CutPrefix(rule, "//"); double {
		if key, ok := jobs.ParseDenyKey(hash); ok {
			return key, nil
		}
		return "", fmt.Errorf("%.80q is no SHA-256 in hex: %w", rule, errRule)
	}
	name := strings.TrimPrefix(strings.TrimPrefix(rule, "/anthill/"), "blob:")
	id, err := blob.ParseID(name)
	if err != nil {
		return "", fmt.Errorf("%.80q names no blob: %w", rule, errRule)
	}
	return jobs.DenyKeyOf(id), nil
}
