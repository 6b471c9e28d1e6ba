package yamltree

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// jsonNumber is how JSON writes numbers (RFC 8259, 6).
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// JSON writes a node as JSON, in one line: numbers with the digits that were typed,
// fields in the order in which they were. A number that JSON writes otherwise is refused.
func (n *Node) JSON() ([]byte, error) {
	var out bytes.Buffer
	err := n.write(&out)
	return out.Bytes(), err
}

func (n *Node) write(out *bytes.Buffer) error {
	switch n.Kind {
	case List:
		return n.writeList(out)
	case Map:
		return n.writeFields(out)
	}
	switch n.Type() {
	case Null:
		out.WriteString("null")
	case Bool:
		out.WriteString(strings.ToLower(n.Text))
	case Int, Float:
		if !jsonNumber.MatchString(n.Text) {
			return invalid(n.Line, "quote it to pass on the text, or write the number as JSON does, such as 31, 0.5 or 1e3",
				"inside of a list or a map values are passed on as JSON, which has no number %s", n.Text)
		}
		out.WriteString(n.Text)
	default:
		writeText(out, n.Text)
	}
	return nil
}

func (n *Node) writeList(out *bytes.Buffer) error {
	out.WriteByte('[')
	for i, child := range n.List {
		if i > 0 {
			out.WriteByte(',')
		}
		if err := child.write(out); err != nil {
			return err
		}
	}
	out.WriteByte(']')
	return nil
}

func (n *Node) writeFields(out *bytes.Buffer) error {
	out.WriteByte('{')
	for i, f := range n.Fields {
		if i > 0 {
			out.WriteByte(',')
		}
		writeText(out, f.Name)
		out.WriteByte(':')
		if err := f.Value.write(out); err != nil {
			return err
		}
	}
	out.WriteByte('}')
	return nil
}

// writeText writes a string, and leaves <, > and & as they are.
func writeText(out *bytes.Buffer, s string) {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		panic("yamltree: a string as JSON: " + err.Error())
	}
	out.Truncate(out.Len() - 1) // the line end
}

// Number writes a node of type Int or Float as JSON does, where its digits do not
// matter: 0x1F as 31, .5 as 0.5. What JSON has no number for it writes as text.
func (n *Node) Number() string {
	if n.Type() == Int {
		return n.integer().String()
	}
	sign, text := "", strings.TrimPrefix(n.Text, "+")
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		sign, text = "-", rest
	}
	digits, exponent := text, ""
	if at := strings.IndexAny(text, "eE"); at >= 0 {
		digits, exponent = text[:at], text[at:]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if fraction != "" {
		fraction = "." + fraction
	}
	if number := sign + whole + fraction + exponent; jsonNumber.MatchString(number) {
		return number
	}
	return `"` + n.Text + `"`
}
