package steady

import (
	"io/fs"
	"os"
	"time"
)

const (
	// tick is more than the steps in which file times move: systems take the time of
	// their last timer interrupt, of which there are 100 to 1000 a second.
	tick = 20 * time.Millisecond
	// coarseTick is for file systems that know whole seconds, or every second one.
	coarseTick = 2 * time.Second
	// tries is how often a file is waited for that changes again and again.
	tries = 3
)

// Look describes a file or, if it is a link, the link. What changes after it returns can
// be told from what it has seen.
func Look(path string) (fs.FileInfo, error) {
	return settle(path, func() (fs.FileInfo, error) { return os.Lstat(path) })
}

// settle looks at a file when its last change is so long ago that the next one gets
// another time.
func settle(path string, look func() (fs.FileInfo, error)) (fs.FileInfo, error) {
	for range tries {
		info, err := look()
		if err != nil {
			return nil, Unreadable(path, err)
		}
		wait := unsettled(changedAt(info), time.Now())
		if wait <= 0 {
			return info, nil
		}
		time.Sleep(wait)
	}
	return nil, Changed(path)
}

// unsettled tells how long a change will have the same time as the last one.
func unsettled(last, now time.Time) time.Duration {
	step := tick
	if last.Nanosecond() == 0 {
		step = coarseTick
	}
	if age := now.Sub(last); age >= 0 {
		return step - age
	}
	return 0 // by another clock than ours
}

// State is what shows that a file has changed.
type State struct {
	mode              fs.FileMode
	size              int64
	modified, changed int64 // in nanoseconds
}

// StateOf is the state in which a look has found a file.
func StateOf(info fs.FileInfo) State {
	return State{mode: info.Mode(), size: info.Size(), modified: info.ModTime().UnixNano(), changed: changedAt(info).UnixNano()}
}

// same tells whether two looks have found the same file in the same state.
func same(a, b fs.FileInfo) bool { return os.SameFile(a, b) && StateOf(a) == StateOf(b) }
