package yamltree

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// Type is what a node means by the core schema of YAML 1.2.
type Type int

// The types of the core schema. What is quoted is text.
const (
	Text Type = iota
	Null
	Bool
	Int
	Float
	Collection // a list or a map
)

// The notations of the core schema (YAML 1.2.2, 10.3.2), of plain scalars.
var notations = []struct {
	is   Type
	form *regexp.Regexp
}{
	{Null, regexp.MustCompile(`^(null|Null|NULL|~|)$`)},
	{Bool, regexp.MustCompile(`^(true|True|TRUE|false|False|FALSE)$`)},
	{Int, regexp.MustCompile(`^([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$`)},
	{Float, regexp.MustCompile(`^([-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)},
}

// Type tells what a node means.
func (n *Node) Type() Type {
	if n.Kind != Scalar {
		return Collection
	}
	if n.Plain {
		for _, notation := range notations {
			if notation.form.MatchString(n.Text) {
				return notation.is
			}
		}
	}
	return Text
}

// wholeFloat is a whole number as people write large ones: 1e6.
var wholeFloat = regexp.MustCompile(`^([-+]?[0-9]+)[eE][+]?([0-9]{1,2})$`)

// Whole is the value of a whole number; false for any other node, 2.0 too.
func (n *Node) Whole() (value *big.Int, ok bool) {
	switch n.Type() {
	case Int:
		return n.integer(), true
	case Float:
		parts := wholeFloat.FindStringSubmatch(n.Text)
		if parts == nil {
			return nil, false
		}
		zeros, _ := strconv.Atoi(parts[2])
		return new(big.Int).SetString(parts[1]+strings.Repeat("0", zeros), 10)
	}
	return nil, false
}

// integer is the value of a node of type Int.
func (n *Node) integer() *big.Int {
	digits, base := n.Text, 10
	switch {
	case strings.HasPrefix(digits, "0x"):
		digits, base = digits[2:], 16
	case strings.HasPrefix(digits, "0o"):
		digits, base = digits[2:], 8
	}
	value, ok := new(big.Int).SetString(digits, base)
	if !ok {
		panic("yamltree: " + n.Text + " is no integer")
	}
	return value
}
