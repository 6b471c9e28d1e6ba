package yamltree

import (
	"bytes"

	"github.com/anthill-grid/anthill/internal/problem"
)

// Kind is what a node is.
type Kind int

// The kinds of node.
const (
	Scalar Kind = iota
	List
	Map
)

// Node is a value of the text. Nodes that aliases name are shared: nobody changes them.
type Node struct {
	Kind Kind
	Line int // where it begins, from 1

	Text  string // of a scalar, as it was typed: quotes, escapes and folding are done
	Plain bool   // the scalar is neither quoted nor a block

	List   []*Node // of a list
	Fields []Field // of a map, in the order of the text

	weight int64 // see weigh
}

// Field is a key of a map and its value.
type Field struct {
	Name  string
	Line  int // of the name
	Value *Node
}

// Parse reads one document. A text of nothing is a plain scalar of nothing.
func Parse(text []byte) (*Node, error) {
	text, err := decode(text)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		if root, ok := parseJSON(text); ok {
			return root, root.checkTree()
		}
	}
	return parseYAML(text)
}

// Empty tells whether nothing at all was typed, not even quotes.
func (n *Node) Empty() bool { return n.Kind == Scalar && n.Plain && n.Text == "" }

// invalid is an error in a line.
func invalid(line int, next, format string, args ...any) error {
	return problem.Invalid(next, "line %d: "+format, append([]any{line}, args...)...)
}
