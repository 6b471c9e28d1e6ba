// Package control lets donors, or their programs, command the worker on their
// machine: pause it, resume it, ask what it does. They meet at a unix socket in the
// worker's data directory, which only the directory's owner may open. One line of JSON
// goes each way.
package control

import "time"

// What a Command can ask for.
const (
	DoPause  = "pause"
	DoResume = "resume"
	DoStatus = "status"
	// DoDrain finishes what runs and takes nothing new, until DoResume.
	DoDrain = "drain"
)

// ByUser is the reason of a pause that a person asked for.
const ByUser = "paused by the user"

// Command is what a worker is asked to do.
type Command struct {
	Do string `json:"do"`
	// Reason is of DoPause and DoResume: the worker goes on when every reason
	// to pause was taken away.
	Reason string `json:"reason,omitempty"`
	// Until is when a pause ends by itself; zero: it does not.
	Until time.Time `json:"until,omitzero"`
}

// Status is what a worker does.
type Status struct {
	Node    string `json:"node"`
	Owner   string `json:"owner"`
	Grid    string `json:"grid"`
	Address string `json:"address"`
	// Pauses are the reasons for which it does not work, oldest first.
	Pauses []Pause `json:"pauses"`
	// Until is when the pause by the user ends by itself; nil: it does not.
	Until *time.Time `json:"until,omitempty"`
	// Draining: it finishes what runs, and takes nothing new.
	Draining bool `json:"draining,omitempty"`
	// Slots has one entry for each, busy or not.
	Slots []Slot `json:"slots"`
	// Leases counts what it holds, running or waiting.
	Leases int `json:"leases"`
	// Coordinator is HOST:PORT of the one that its session is with, and Reserve of the
	// one that it moves to if that is gone; empty while there is none.
	Coordinator string `json:"coordinator,omitempty"`
	Reserve     string `json:"reserve,omitempty"`
	// Path is how others reach the worker, and what would make it better.
	Path string `json:"path,omitempty"`
	// Silence is since when no coordinator answers; nil while one does.
	Silence *Silence `json:"silence,omitempty"`
	// Power is what the machine runs on, such as "battery (BAT0, 57 %)"; empty where
	// that is not known.
	Power string `json:"power,omitempty"`
	// Volume is what others may take of the line; nil if that is not limited.
	Volume *Volume `json:"volume,omitempty"`
}

// Pause is one reason not to work.
type Pause struct {
	Reason string    `json:"reason"`
	Since  time.Time `json:"since"`
}

// Silence is that no coordinator answers.
type Silence struct {
	Since time.Time `json:"since"`
	Why   string    `json:"why"`
}

// Slot is what one slot runs; it is empty, {} in JSON, where it is idle.
type Slot struct {
	Job   string     `json:"job,omitempty"`
	Task  *uint32    `json:"task,omitempty"`
	Since *time.Time `json:"since,omitempty"`
}

// Volume is how far the month's is used.
type Volume struct {
	Used  int64     `json:"used"` // bytes, as Limit
	Limit int64     `json:"limit"`
	Until time.Time `json:"until"` // when the next month begins
}

// reply is the line that comes back. Both may be set: a pause may do a part of
// what it should.
type reply struct {
	Status Status `json:"status"`
	Error  string `json:"error,omitempty"`
}

// socketName is what the socket is called in the data directory, or a link to
// it: the path of a socket may have about 100 bytes and no more.
const (
	socketName  = "worker.sock"
	longestPath = 100
)
