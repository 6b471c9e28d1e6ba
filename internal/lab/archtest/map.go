package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// rule is a row of docs/map.md: where one of the grid's rules is changed.
type rule struct {
	line    int
	what    string
	file    string   // within the module
	symbols []string // Name, or Type.Method
}

// minRules is how many rules the map has at least.
const minRules = 30

var (
	mapLink   = regexp.MustCompile(`\]\(([^)]+)\)`)
	mapSymbol = regexp.MustCompile("`([^`]+)`")
)

// readMap reads the tables of the map: of each row the first column says what, the
// second links a file, the third names symbols in it. dir is the map's folder, from
// which its links go out.
func readMap(dir, text string) []rule {
	var rules []rule
	for i, line := range strings.Split(text, "\n") {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if !strings.HasPrefix(line, "|") || len(cells) != 3 {
			continue
		}
		link := mapLink.FindStringSubmatch(cells[1])
		if link == nil {
			continue // the head of a table
		}
		r := rule{line: i + 1, what: strings.TrimSpace(cells[0]), file: path.Join(dir, link[1])}
		for _, symbol := range mapSymbol.FindAllStringSubmatch(cells[2], -1) {
			r.symbols = append(r.symbols, symbol[1])
		}
		rules = append(rules, r)
	}
	return rules
}

// checkMap returns the rules that are not where the map says.
func checkMap(rules []rule, files []file) []string {
	var breaches []string
	for _, r := range rules {
		lost := func(what, mend string) {
			breaches = append(breaches, fmt.Sprintf("docs/map.md:%d: %q: %s.\n\twhy not: %s\n\tmend it: %s", r.line, r.what, what,
				"a map that leads astray is worse than none", mend))
		}
		i := slices.IndexFunc(files, func(f file) bool { return f.path == r.file })
		if i < 0 {
			lost("there is no file "+r.file, "name the file in which the rule is now")
			continue
		}
		if len(r.symbols) == 0 {
			lost("no symbol is named", "name what a reader looks for in "+r.file)
		}
		declared := declarations(files[i].syntax)
		for _, symbol := range r.symbols {
			if !slices.Contains(declared, symbol) {
				lost(r.file+" declares no "+symbol, "name the symbol that holds the rule now, and its file")
			}
		}
	}
	return breaches
}

// declarations returns the names that a file declares at its top level; those of
// methods with their type, as in State.Apply.
func declarations(syntax *ast.File) []string {
	var names []string
	for _, decl := range syntax.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			name := decl.Name.Name
			if decl.Recv != nil {
				name = receiver(decl.Recv.List[0].Type) + "." + name
			}
			names = append(names, name)
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				names = append(names, specified(spec)...)
			}
		}
	}
	return names
}

func specified(spec ast.Spec) []string {
	var names []string
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		names = append(names, spec.Name.Name)
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			names = append(names, name.Name)
		}
	}
	return names
}

// receiver is the name of a method's type, be it a pointer or generic.
func receiver(expr ast.Expr) string {
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}
