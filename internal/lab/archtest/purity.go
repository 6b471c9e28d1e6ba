package archtest

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// clock are the functions of package time that read the clock or wait for it.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// floating are the types whose arithmetic is not the same on every CPU.
var floating = []string{"float32", "float64", "complex64", "complex128"}

// checkPurity returns where package jobs reads the clock, computes in floating
// point, or starts goroutines.
func checkPurity(files []file) []string {
	var breaches []string
	for _, f := range files {
		if f.test || !matches("jobs", f.pkg) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			what, mend := impurity(f, n)
			if what != "" {
				at := f.fset.Position(n.Pos())
				breaches = append(breaches, fmt.Sprintf("%s:%d: package jobs uses %s.\n\twhy not: %s\n\tmend it: %s", f.path, at.Line, what,
					"every replica that applies a command must come to the same state, bit for bit", mend))
			}
			return true
		})
	}
	return breaches
}

func impurity(f file, n ast.Node) (what, mend string) {
	switch n := n.(type) {
	case *ast.GoStmt:
		return "a goroutine", "do it in order, or outside of Apply"
	case *ast.BasicLit:
		if n.Kind.String() == "FLOAT" && !strings.ContainsAny(n.Value, "eE") {
			return "the floating-point number " + n.Value, "use integers in fixed point"
		}
	case *ast.Ident:
		if slices.Contains(floating, n.Name) {
			return n.Name, "use integers in fixed point"
		}
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && x.Name == importName(f, "time") && slices.Contains(clock, n.Sel.Name) {
			return "time." + n.Sel.Name, "let the proposer read the clock and send the time in the command"
		}
	}
	return "", ""
}

// importName is what a file calls a package of the standard library.
func importName(f file, path string) string {
	for _, spec := range f.syntax.Imports {
		if strings.Trim(spec.Path.Value, `"`) == path && spec.Name != nil {
			return spec.Name.Name
		}
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}
