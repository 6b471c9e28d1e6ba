package archtest

import (
	"fmt"
	"slices"
	"strings"
)

// checkImports returns the breaches of the import rules, as sentences.
func checkImports(files []file) []string {
	var breaches []string
	for _, f := range files {
		if layerOf(f.pkg) < 0 {
			breaches = append(breaches, breach(f, "is in no layer",
				"the house has a fixed set of rooms, so that a newcomer finds things",
				"put it where its subject is, or add a line to layers in internal/lab/archtest/rules.go"))
			continue
		}
		for _, path := range f.imports {
			breaches = append(breaches, checkImport(f, path)...)
		}
	}
	return breaches
}

func breach(f file, what, why, mend string) string {
	return fmt.Sprintf("%s: package %s %s.\n\twhy not: %s\n\tmend it: %s", f.path, f.pkg, what, why, mend)
}

func checkImport(f file, path string) []string {
	own, ours := strings.CutPrefix(path+"/", modulePrefix)
	own = strings.TrimSuffix(own, "/")
	if f.test || testTool(f.pkg) {
		return nil // a test may look at the package from anywhere
	}
	if !ours {
		return checkDiet(f, path)
	}
	var breaches []string
	if testTool(own) {
		breaches = append(breaches, breach(f, "imports "+own,
			"that is a tool of tests and must not get into the binary",
			"import it in a _test.go file only"))
	}
	for _, b := range bans {
		if b.holds(f.pkg, own) {
			breaches = append(breaches, breach(f, "imports "+own, b.why, b.mend))
		}
	}
	if from, to := layerOf(f.pkg), layerOf(own); len(breaches) == 0 && to > from {
		breaches = append(breaches, breach(f, "imports "+own,
			fmt.Sprintf("imports run one way, and %s (%s) lies above %s (%s)", own, layers[to].name, f.pkg, layers[from].name),
			"turn the dependency round (let "+f.pkg+" declare a small interface), or move the code down"))
	}
	return breaches
}

// holds says whether the ban forbids this import. A package may always import
// from its own tree: examples/x from examples/x, internal/cli from itself.
func (b ban) holds(from, to string) bool {
	return matchesAny(b.from, from) && matchesAny(b.to, to) && !sameTree(b.to, from, to)
}

// sameTree says whether both fit the same one of the patterns.
func sameTree(patterns []string, a, b string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, a) && matches(p, b) })
}

func checkDiet(f file, path string) []string {
	var breaches []string
	for _, d := range diets {
		if matchesAny(d.patterns, f.pkg) && !matchesAny(d.allowed, path) {
			breaches = append(breaches, breach(f, "imports "+path, d.why, d.mend))
		}
	}
	return breaches
}

// checkNames returns the packages whose names say nothing.
func checkNames(files []file) []string {
	var breaches []string
	seen := map[string]bool{}
	for _, f := range files {
		last := f.pkg[strings.LastIndexByte(f.pkg, '/')+1:]
		if seen[f.pkg] || !slices.Contains(refusedNames, last) && !slices.Contains(refusedNames, f.name) {
			continue
		}
		seen[f.pkg] = true
		breaches = append(breaches, breach(f, "has a name that says nothing",
			"such a package collects whatever has no home, and everything comes to depend on it",
			"name it after the noun that it is about, or move each thing to its user"))
	}
	return breaches
}

// checkComments returns the packages without a package comment.
func checkComments(files []file) []string {
	documented := map[string]bool{}
	for _, f := range files {
		if !f.test && f.syntax.Doc != nil && strings.TrimSpace(f.syntax.Doc.Text()) != "" {
			documented[f.pkg] = true
		}
	}
	var breaches []string
	for _, f := range files {
		if f.test || documented[f.pkg] {
			continue
		}
		documented[f.pkg] = true // once is enough
		breaches = append(breaches, breach(f, "has no package comment",
			"the comment is what go doc and a newcomer read first",
			"write one above a package clause (for generated code above the package line of a .proto, or in doc.go)"))
	}
	return breaches
}
