package archtest

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

// checkCircles returns the imports that run up, from a folder to one above it, and
// the circles between folders. The compiler refuses circles of packages only: two
// folders can still import each other by way of what is below them.
func checkCircles(files []file) []string {
	packages := map[string]bool{}
	for _, f := range files {
		packages[f.pkg] = packages[f.pkg] || !f.test
	}
	ways := ways{}
	var breaches []string
	for _, f := range files {
		for _, path := range f.imports {
			own, ours := strings.CutPrefix(path, modulePrefix)
			if !ours || f.test {
				continue
			}
			from, to := fork(folders(packages, f.pkg), folders(packages, own))
			switch {
			case to == "" && f.name != "main": // nobody imports a command: it may use what is above it
				breaches = append(breaches, breach(f, "imports "+own+", which is above it",
					"a whole is made of its parts, and a part that knows the whole is none",
					"hand it what it needs when it is made, or move what both need to a folder beside it"))
			case from != "" && to != "":
				ways.add(from, to, f)
			}
		}
	}
	return append(breaches, ways.circles()...)
}

// folders returns the packages on the way down to a package, itself included.
// Folders without source of their own, such as internal, only group others and are
// left out.
func folders(packages map[string]bool, pkg string) []string {
	var list []string
	for at := pkg; at != "."; at = path.Dir(at) {
		if at == pkg || packages[at] {
			list = append(list, at)
		}
	}
	slices.Reverse(list)
	return list
}

// fork returns the two folders in which the ways to two packages part. One that is
// above the other has none.
func fork(a, b []string) (string, string) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	return first(a), first(b)
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// ways are the imports between folders, each with one of the files that make it.
type ways map[string]map[string]file

func (w ways) add(from, to string, f file) {
	if w[from] == nil {
		w[from] = map[string]file{}
	}
	if _, known := w[from][to]; !known {
		w[from][to] = f
	}
}

// circles goes each way once, and describes those that lead back.
func (w ways) circles() []string {
	var breaches, trail []string
	done := map[string]bool{}
	var walk func(folder string)
	walk = func(folder string) {
		if i := slices.Index(trail, folder); i >= 0 {
			breaches = append(breaches, w.describe(append(slices.Clone(trail[i:]), folder)))
			return
		}
		if done[folder] {
			return
		}
		done[folder] = true
		trail = append(trail, folder)
		for _, next := range slices.Sorted(maps.Keys(w[folder])) {
			walk(next)
		}
		trail = trail[:len(trail)-1]
	}
	for _, folder := range slices.Sorted(maps.Keys(w)) {
		walk(folder)
	}
	return breaches
}

func (w ways) describe(circle []string) string {
	var steps []string
	for i, to := range circle[1:] {
		steps = append(steps, fmt.Sprintf("%s imports %s in %s", circle[i], to, w[circle[i]][to].path))
	}
	return fmt.Sprintf("folders import each other in a circle: %s.\n\twhy not: %s\n\tmend it: %s", strings.Join(steps, "; "),
		"none of them can be understood, tested or moved without the others",
		"move what they share to a folder below them")
}
