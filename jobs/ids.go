package jobs

import (
	"fmt"
	"time"
)

// NodeID is the hash of a node's public key: 32 hex digits.
type NodeID string

// Short is the id as people see it in lists: its first 8 digits.
func (id NodeID) Short() string {
	if len(id) <= 8 {
		return string(id)
	}
	return string(id[:8])
}

// OwnerID names who stands behind one or more nodes. Trust and bans are per
// owner.
type OwnerID string

// ownerNumber is an owner's position in the order of their ids when the state was
// loaded, and then of their coming: in State.byNumber, counted from 0. It is derived
// and means nothing to another replica.
type ownerNumber uint32

// NodeNumber is a worker's position in State.Numbered, counted from 1; 0 is nobody.
type NodeNumber uint32

// JobID names a job, such as "wordcount-k3v9qx".
type JobID string

// LeaseID is random, so that a worker learns nothing from it about the other
// attempts at its task.
type LeaseID uint64

// RequestID makes a mutation idempotent: a request seen before is answered
// with the outcome of the first time.
type RequestID string

// Time is milliseconds since 1970. The state's time never runs backwards.
type Time int64

// TimeOf converts from the wall clock.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Std converts to the wall clock's type, in UTC.
func (t Time) Std() time.Time { return time.UnixMilli(int64(t)).UTC() }

// Add returns t+d, rounded down to milliseconds.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Role is what a node's certificate lets it do. The zero Role is nobody: a
// node that has no certificate yet.
type Role uint8

// The roles, in the order of the wire enum of proto/anthill/v1.
const (
	Stranger    Role = iota
	Coordinator      // votes in raft, serves the grid's API
	Worker           // runs tasks
	Submitter        // submits jobs and reads its own results
	Operator         // runs the grid: makes tokens, sees to any job
)

var roleNames = [...]string{"stranger", "coordinator", "worker", "submitter", "operator"}

func (r Role) String() string {
	if int(r) < len(roleNames) {
		return roleNames[r]
	}
	return fmt.Sprintf("role(%d)", uint8(r))
}

// ParseRole is the inverse of String for the roles that a node can have.
func ParseRole(s string) (Role, error) {
	for r, name := range roleNames {
		if name == s && Role(r) != Stranger {
			return Role(r), nil
		}
	}
	return Stranger, fmt.Errorf("role %q: want coordinator, worker, submitter or operator", s)
}
