package sdk

import "github.com/anthill-grid/anthill/internal/pick"

// Notice is about a file that a job names: one that did not become input, or that did
// and is somewhere else than it seems.
type Notice struct {
	Path string
	// LeftOut says that it is not among the input, although a pattern matches it.
	LeftOut bool
	Reason  string
}

// String is the notice as a line: "left out d/x: it is a FIFO".
func (n Notice) String() string { return pick.Notice(n).String() }
