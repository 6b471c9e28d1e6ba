// Package walls stands between a sandbox child and the donor's machine: what is
// particular to an operating system is here and nowhere else in the sandbox.
//
// The parent starts its child by Isolate, stops it by Halt and reads its processor
// time. The child encloses itself by Raise before its first task, and moves the two
// walls that depend on the task by LimitCPU and LimitAddressSpace. What a system does
// not have is missing, and said to be; package sandbox lists the walls and says what
// each is for.
package walls

import (
	"os/exec"
	"strings"
	"time"
)

// State tells which walls stand between a guest that has broken out of the
// engine and the donor's machine.
type State struct {
	// Standing names the walls that stand, in the order in which they went up.
	Standing []string `json:"standing"`
	// Missing names those that do not.
	Missing []Missing `json:"missing,omitempty"`
}

// Missing is a wall that could not be put up.
type Missing struct {
	Name string `json:"name"`
	// Why says what this system lacks.
	Why string `json:"why"`
}

// String is both lists on one line.
func (w State) String() string {
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

// Config is what the walls leave a process.
type Config struct {
	// Writable is the one directory that it may write to; empty: there is none.
	Writable string
	// Readable are the directories that it may read; those that do not exist are
	// left out.
	Readable []string
	// CPU and Space, in bytes, are what it may take beyond what it has taken, until
	// LimitCPU and LimitAddressSpace say otherwise.
	CPU   time.Duration
	Space int64
}

// Isolate has cmd start apart from this process: in a process group of its own,
// without any of this process's descriptors but those that cmd names.
func Isolate(cmd *exec.Cmd) {
	cmd.SysProcAttr = attributes()
	keepDescriptors()
}

// wall is put up by the child itself. What raise returns is its name in full.
type wall struct {
	name  string
	raise func(cfg Config) (string, error)
}

// plain is a wall that needs no settings and has no more to its name.
func plain(name string, raise func() error) wall {
	return wall{name, func(Config) (string, error) { return name, raise() }}
}

// Raise encloses this process, for good. A wall that does not stand is not
// an error: each of them is there in case that the engine is not tight, and a
// donor is told which are missing.
func Raise(cfg Config) State {
	var w State
	for _, wall := range append(commonWalls(cfg), systemWalls(cfg)...) {
		name, err := wall.raise(cfg)
		if err != nil {
			w.Missing = append(w.Missing, Missing{Name: wall.name, Why: err.Error()})
			continue
		}
		w.Standing = append(w.Standing, name)
	}
	return w
}

// commonWalls go up in this order on every system: what needs /proc and other
// system calls comes before what forbids them.
func commonWalls(cfg Config) []wall {
	return []wall{
		// It is moved with each task; here it is only tried.
		plain("address space", func() error { return LimitAddressSpace(cfg.Space) }),
		plain("file size", limitFileSize),
		plain("descriptors", limitDescriptors),
		plain("no core dumps", limitCore),
		plain("lowest priority", lowerPriority),
	}
}
