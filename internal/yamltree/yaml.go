package yamltree

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v4"
)

// mostAliased bounds what aliases may stand for, in bytes: a few lines of text can stand
// for more than a machine holds.
const mostAliased = 64 << 20

func parseYAML(text []byte) (*Node, error) {
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var document, second yaml.Node
	if err := loader.Load(&document); errors.Is(err, io.EOF) {
		return &Node{Line: 1, Plain: true}, nil
	} else if err != nil {
		return nil, malformed(err)
	}
	if err := loader.Load(&second); err == nil {
		return nil, invalid(second.Line, "write one file for each", "a second document begins")
	} else if !errors.Is(err, io.EOF) {
		return nil, malformed(err)
	}
	b := builder{anchors: make(map[*yaml.Node]*Node)}
	return b.node(document.Content[0])
}

// malformed is an error of the YAML itself.
func malformed(err error) error {
	const next = "correct the YAML"
	var at *yaml.LoadError
	if !errors.As(err, &at) {
		return invalid(1, next, "%w", err)
	}
	return invalid(max(at.Mark.Line, 1), next, "%s", at.Message)
}

// builder makes a tree of a document.
type builder struct {
	anchors map[*yaml.Node]*Node // nil while the node is not complete
	aliased int64
}

func (b *builder) node(y *yaml.Node) (*Node, error) {
	if y.Kind == yaml.AliasNode {
		return b.alias(y)
	}
	if err := checkTag(y); err != nil {
		return nil, err
	}
	if y.Anchor != "" {
		b.anchors[y] = nil
	}
	n := &Node{Line: y.Line}
	err := b.fill(n, y)
	if err == nil {
		err = n.checkNames()
	}
	if err != nil {
		return nil, err
	}
	n.weight = n.weigh()
	if y.Anchor != "" {
		b.anchors[y] = n
	}
	return n, nil
}

func (b *builder) fill(n *Node, y *yaml.Node) error {
	switch y.Kind {
	case yaml.SequenceNode:
		return b.list(n, y)
	case yaml.MappingNode:
		return b.fields(n, y)
	}
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	n.Text, n.Plain = y.Value, y.Style&quoted == 0 && y.Tag != "!"
	return nil
}

// checkTag refuses what asks for a type: it would change the text, or be passed over.
func checkTag(y *yaml.Node) error {
	if y.Style&yaml.TaggedStyle == 0 || y.Tag == "!!str" && y.Kind == yaml.ScalarNode {
		return nil
	}
	return invalid(y.Line, "leave the tag out, and quote what is meant as text", "the tag %s has no meaning here", y.Tag)
}

func (b *builder) alias(y *yaml.Node) (*Node, error) {
	n := b.anchors[y.Alias]
	if n == nil {
		return nil, invalid(y.Line, "name what is complete before it", "*%s stands within itself", y.Value)
	}
	if b.aliased += n.weight; b.aliased > mostAliased {
		return nil, invalid(y.Line, "write fewer aliases, or put the data into a file", "aliases stand for too much: *%s and those before it for more than %d bytes", y.Value, mostAliased)
	}
	return n, nil
}

func (b *builder) list(n *Node, y *yaml.Node) error {
	n.Kind = List
	for _, element := range y.Content {
		child, err := b.node(element)
		if err != nil {
			return err
		}
		n.List = append(n.List, child)
	}
	return nil
}

func (b *builder) fields(n *Node, y *yaml.Node) error {
	n.Kind = Map
	var merges []*Node
	for i := 0; i < len(y.Content); i += 2 {
		name, err := b.node(y.Content[i])
		if err != nil {
			return err
		}
		if name.Kind != Scalar || name.Empty() {
			return invalid(y.Content[i].Line, "write a name, and quote it if it begins like a list or a map", "a key has to be text")
		}
		value, err := b.node(y.Content[i+1])
		if err != nil {
			return err
		}
		if name.Plain && name.Text == "<<" {
			merges = append(merges, value)
			continue
		}
		n.Fields = append(n.Fields, Field{Name: name.Text, Line: y.Content[i].Line, Value: value})
	}
	return n.merge(merges)
}
