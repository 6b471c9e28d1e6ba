package archtest

import (
	"fmt"
	"go/ast"
	"regexp"
	"strings"
)

// minThreats is how many threats docs/security.md has at least.
const minThreats = 20

var testName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Za-z0-9_]*)`")

// threat is a row of docs/security.md: what may be done, and the tests that try it.
type threat struct {
	line  int
	what  string
	tests []string
}

func readThreats(text string) (threats []threat) {
	for i, line := range strings.Split(text, "\n") {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) != 3 || strings.HasPrefix(line, "|-") || strings.TrimSpace(cells[0]) == "threat" {
			continue
		}
		t := threat{line: i + 1, what: strings.TrimSpace(cells[0])}
		for _, name := range testName.FindAllStringSubmatch(cells[2], -1) {
			t.tests = append(t.tests, name[1])
		}
		threats = append(threats, t)
	}
	return threats
}

// checkThreats returns the rows that name no test, or one that is not there.
func checkThreats(threats []threat, files []file) (breaches []string) {
	known := map[string]bool{}
	for _, f := range files {
		for _, decl := range f.syntax.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && f.test && fn.Recv == nil {
				known[fn.Name.Name] = true
			}
		}
	}
	for _, t := range threats {
		if len(t.tests) == 0 {
			breaches = append(breaches, fmt.Sprintf("docs/security.md:%d: %q: no test is named: a promise that nobody tries is none", t.line, t.what))
		}
		for _, name := range t.tests {
			if !known[name] {
				breaches = append(breaches, fmt.Sprintf("docs/security.md:%d: %q: there is no test %s: name the one that tries it now", t.line, t.what, name))
			}
		}
	}
	return breaches
}
