package sandbox

import (
	"strings"
)

// Walls tells which walls stand between a guest that has broken out of the
// engine and the donor's machine.
type Walls struct {
	// Standing names the walls that stand, in the order in which they went up.
	Standing []string `json:"standing"`
	// Missing names those that do not.
	Missing []MissingWall `json:"missing,omitempty"`
}

// MissingWall is a wall that could not be put up.
type MissingWall struct {
	Name string `json:"name"`
	// Why says what this system lacks.
	Why string `json:"why"`
}

// String is both lists on one line.
func (w Walls) String() string {
	standing, missing := strings.Join(w.Standing, ", "), "none"
	if standing == "" {
		standing = "none"
	}
	if len(w.Missing) > 0 {
		var list []string
		for _, m := range w.Missing {
			list = append(list, m.Name+" ("+m.Why+")")
		}
		missing = strings.Join(list, ", ")
	}
	return standing + "; missing: " + missing
}

// setup is what a child needs to know before its first task.
type setup struct {
	// CacheDir is the one directory that it may write to.
	CacheDir string `json:"cache_dir"`
	// Readable are the directories that it may read.
	Readable []string `json:"readable,omitempty"`
}

// wall is put up by the child itself. What raise returns is its name in full.
type wall struct {
	name  string
	raise func(s setup) (string, error)
}

// plain is a wall that needs no setup and has no more to its name.
func plain(name string, raise func() error) wall {
	return wall{name, func(setup) (string, error) { return name, raise() }}
}

// raiseWalls encloses this process, for good. A wall that does not stand is not
// an error: each of them is there in case that the engine is not tight, and a
// donor is told which are missing.
func raiseWalls(s setup) Walls {
	var w Walls
	for _, wall := range append(commonWalls(), systemWalls()...) {
		name, err := wall.raise(s)
		if err != nil {
			w.Missing = append(w.Missing, MissingWall{Name: wall.name, Why: err.Error()})
			continue
		}
		w.Standing = append(w.Standing, name)
	}
	return w
}

// commonWalls go up in this order on every system: what needs /proc and other
// system calls comes before what forbids them.
func commonWalls() []wall {
	return []wall{
		// It is moved with each task; here it is only tried.
		plain("address space", func() error { return limitAddressSpace(compileSpace) }),
		plain("file size", limitFileSize),
		plain("descriptors", limitDescriptors),
		plain("no core dumps", limitCore),
		plain("lowest priority", lowerPriority),
	}
}
