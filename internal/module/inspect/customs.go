package inspect

import (
	"encoding/binary"
	"strings"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// functionNames is the number of the name section's part on functions.
const functionNames = 1

// cursor reads a custom section. What it cannot read it leaves out: such sections
// are only for people.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) number() int {
	value, n := binary.Uvarint(c.rest)
	if n <= 0 || value > 1<<32-1 {
		c.bad = true
		return 0
	}
	c.rest = c.rest[n:]
	return int(value)
}

func (c *cursor) bytes(n int) []byte {
	if c.bad || n > len(c.rest) {
		c.bad = true
		return nil
	}
	part := c.rest[:n]
	c.rest = c.rest[n:]
	return part
}

func (c *cursor) text() string { return strings.ToValidUTF8(string(c.bytes(c.number())), "?") }

// section is a cursor at the start of a custom section, empty if there is none.
func section(m *wasm.Module, name string) cursor {
	for i := range m.Customs {
		if m.Customs[i].Name == name {
			return cursor{rest: m.Customs[i].Data}
		}
	}
	return cursor{bad: true}
}

// producers reads the producers section of the tool conventions.
func producers(m *wasm.Module) []Producer {
	list := []Producer{}
	c := section(m, "producers")
	for fields := c.number(); fields > 0 && !c.bad; fields-- {
		field := c.text()
		for values := c.number(); values > 0 && !c.bad; values-- {
			p := Producer{Field: field, Name: c.text(), Version: c.text()}
			if !c.bad {
				list = append(list, p)
			}
		}
	}
	return list
}

// functionName looks a function up in the name section, by its index with the
// imports.
func functionName(m *wasm.Module, index uint32) string {
	c := section(m, "name")
	for len(c.rest) > 0 && !c.bad {
		id := c.bytes(1)
		part := cursor{rest: c.bytes(c.number()), bad: c.bad}
		if len(id) == 0 || id[0] != functionNames {
			continue
		}
		for n := part.number(); n > 0 && !part.bad; n-- {
			at, name := part.number(), part.text()
			if !part.bad && at == int(index) {
				return name
			}
		}
	}
	return ""
}
