package archtest

import (
	"fmt"
	"go/ast"
)

// size is how many lines a function and a file may have.
type size struct{ function, file int }

// Tests may be longer: most of them are tables, and are read from top to bottom.
var (
	maxSource = size{function: 60, file: 400}
	maxTest   = size{function: 100, file: 800}
)

// checkSizes returns the functions and files that are longer than a reader can
// hold in mind. Generated files are nobody's to read.
func checkSizes(files []file) []string {
	var breaches []string
	for _, f := range files {
		if ast.IsGenerated(f.syntax) {
			continue
		}
		limit := maxSource
		if f.test {
			limit = maxTest
		}
		if n := f.fset.File(f.syntax.FileStart).LineCount(); n > limit.file {
			breaches = append(breaches, breach(f, fmt.Sprintf("has a file of %d lines, and %d are allowed", n, limit.file),
				"a long file holds several subjects, and none of them is found by its name",
				"move the subjects that are not in its name to files of their own"))
		}
		breaches = append(breaches, longFunctions(f, limit.function)...)
	}
	return breaches
}

// longFunctions looks at declared functions and at those that variables hold; one
// within another counts as a part of it.
func longFunctions(f file, limit int) []string {
	var breaches []string
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		var name string
		switch n := n.(type) {
		case *ast.FuncDecl:
			name = n.Name.Name
		case *ast.FuncLit:
			name = "without a name"
		default:
			return true
		}
		first, last := f.fset.Position(n.Pos()).Line, f.fset.Position(n.End()).Line
		if lines := last - first + 1; lines > limit {
			breaches = append(breaches, fmt.Sprintf("%s:%d: function %s has %d lines, and %d are allowed.\n\twhy not: %s\n\tmend it: %s",
				f.path, first, name, lines, limit, "a reader has forgotten the beginning before the end comes",
				"give the steps names, as functions of their own"))
		}
		return false
	})
	return breaches
}
