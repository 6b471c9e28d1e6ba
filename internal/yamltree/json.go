package yamltree

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// parseJSON reads a text that is JSON. YAML has all of JSON but pairs of \u escapes, in
// which JSON writes what lies beyond U+FFFF. It is false for a text that is no JSON, and
// for strings of which this decoder would lose something.
func parseJSON(text []byte) (*Node, bool) {
	if !json.Valid(text) {
		return nil, false
	}
	r := &jsonReader{text: text, in: json.NewDecoder(bytes.NewReader(text)), line: 1}
	r.in.UseNumber()
	root := r.value()
	return root, !r.lossy
}

// jsonReader reads a text that is known to be valid.
type jsonReader struct {
	text  []byte
	in    *json.Decoder
	seen  int64 // up to where the lines are counted
	line  int
	lossy bool
}

func (r *jsonReader) token() json.Token {
	token, err := r.in.Token()
	if err != nil {
		panic("yamltree: a JSON text that is valid: " + err.Error())
	}
	at := r.in.InputOffset()
	r.line += bytes.Count(r.text[r.seen:at], []byte("\n"))
	r.seen = at
	return token
}

func (r *jsonReader) value() *Node {
	token := r.token()
	n := &Node{Line: r.line}
	switch v := token.(type) {
	case json.Delim:
		r.fill(n, v)
	case string:
		n.Text = r.whole(v)
	case json.Number:
		n.Text, n.Plain = v.String(), true
	case bool:
		n.Text, n.Plain = map[bool]string{true: "true", false: "false"}[v], true
	case nil:
		n.Text, n.Plain = "null", true
	}
	return n
}

// fill reads a list or a map to its end.
func (r *jsonReader) fill(n *Node, open json.Delim) {
	n.Kind = List
	if open == '{' {
		n.Kind = Map
	}
	for r.in.More() {
		if n.Kind == List {
			n.List = append(n.List, r.value())
			continue
		}
		name, _ := r.token().(string)
		n.Fields = append(n.Fields, Field{Name: r.whole(name), Line: r.line, Value: r.value()})
	}
	r.token()
}

// checkTree refuses a field that stands twice in a map, at any depth.
func (n *Node) checkTree() error {
	if err := n.checkNames(); err != nil {
		return err
	}
	for _, child := range n.List {
		if err := child.checkTree(); err != nil {
			return err
		}
	}
	for _, f := range n.Fields {
		if err := f.Value.checkTree(); err != nil {
			return err
		}
	}
	return nil
}

// whole notes that a string may have lost something: half a pair of escapes.
func (r *jsonReader) whole(s string) string {
	r.lossy = r.lossy || strings.ContainsRune(s, utf8.RuneError)
	return s
}
