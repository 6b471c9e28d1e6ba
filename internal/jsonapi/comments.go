package jsonapi

import (
	"bufio"
	"regexp"
	"strings"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// declared is a line of a .proto file that gives something a name.
var declared = regexp.MustCompile(`^\s*(service|message|enum|rpc|oneof)\s+(\w+)|^\s*(?:repeated |optional )?(?:[\w.]+|map<[^>]+>)\s+(\w+)\s*=\s*\d+`)

// readComments gives what is said in the .proto files of services, calls, messages and
// fields, by their full names. Generated code has left the comments out.
func readComments() map[string]string {
	all := map[string]string{}
	for _, text := range anthillv1.Sources() {
		c := commentReader{all: all, scope: []string{"anthill.v1"}}
		for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
			c.line(lines.Text())
		}
	}
	return all
}

// commentReader reads one file.
type commentReader struct {
	all   map[string]string
	scope []string // full names of what is open
	said  []string // comment lines that stand before this one
}

func (c *commentReader) line(line string) {
	trimmed := strings.TrimSpace(line)
	if say, ok := strings.CutPrefix(trimmed, "//"); ok {
		c.said = append(c.said, strings.TrimSpace(say))
		return
	}
	scope := c.scope[len(c.scope)-1]
	name, oneof := scope, false
	if found := declared.FindStringSubmatch(line); found != nil {
		name, oneof = scope+"."+found[2]+found[3], found[1] == "oneof"
		if len(c.said) > 0 {
			c.all[name] = strings.Join(c.said, " ")
		}
	}
	c.said = nil
	switch {
	case strings.HasSuffix(trimmed, "{") && oneof:
		c.scope = append(c.scope, scope) // its fields are those of the message
	case strings.HasSuffix(trimmed, "{"):
		c.scope = append(c.scope, name)
	case trimmed == "}" && len(c.scope) > 1:
		c.scope = c.scope[:len(c.scope)-1]
	}
}
