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
	// Lent are the limits that the donor has set.
	Lent *Lent `json:"lent,omitempty"`
	// Earned is what the grid says that the owner's workers have done; nil where its
	// coordinators do not say.
	Earned *Earned `json:"earned,omitempty"`
	// Work is what was run here since the worker started, at most a day of it: an entry for
	// each five minutes in which an attempt ended, oldest first.
	Work []Work `json:"work,omitempty"`
	// Paths is what went to and from other nodes, by how they are reached.
	Paths []Path `json:"paths,omitempty"`
}

// Lent is what the worker may use; 0 and empty: as much as it likes.
type Lent struct {
	Slots    int      `json:"slots"`
	Memory   int64    `json:"memory,omitempty"` // bytes, as the others
	Disk     int64    `json:"disk"`
	Up       int64    `json:"up,omitempty"` // a second, as Down
	Down     int64    `json:"down,omitempty"`
	Hours    string   `json:"hours,omitempty"`
	WhenIdle bool     `json:"when_idle,omitempty"`
	Battery  bool     `json:"on_battery,omitempty"`
	Only     []string `json:"only_owners,omitempty"`
	Not      []string `json:"not_owners,omitempty"`
}

// Earned is what the owner's accepted results come to, on all machines.
type Earned struct {
	Credit uint64 `json:"credit"`
	Fuel   uint64 `json:"fuel"`
}

// Work is what ended within five minutes.
type Work struct {
	From     time.Time `json:"from"`
	Attempts int       `json:"attempts"`
	Fuel     uint64    `json:"fuel"`
}

// Path is a way to other nodes, such as "direct" or "relayed", and its bytes.
type Path struct {
	Name string `json:"name"`
	In   int64  `json:"in"`
	Out  int64  `json:"out"`
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
	Owner string     `json:"owner,omitempty"` // whose job it is
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

// socketName is what the socket is called in the data directory.
const socketName = "worker.sock"
