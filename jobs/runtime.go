package jobs

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Runtime is an interpreter that jobs name instead of bringing it: a dataset under a
// name, for one owner or for the whole grid.
type Runtime struct {
	Name string `cbor:"1,keyasint"`
	// Owner is who alone sees it; empty: it is for everybody.
	Owner OwnerID `cbor:"2,keyasint,omitempty"`
	Blob  blob.ID `cbor:"3,keyasint"`
	At    Time    `cbor:"4,keyasint"`
}

// NameRuntime makes a dataset a runtime, in place of the one that has the name so far.
// An operator does it for the whole grid, others for their owner. Without a blob the
// name is taken back.
type NameRuntime struct {
	Name string  `cbor:"80,keyasint"`
	Blob blob.ID `cbor:"81,keyasint,omitempty"`
	By   NodeID  `cbor:"82,keyasint"`
}

// maxRuntimes bounds the runtimes of one owner, and those of the grid.
const maxRuntimes = 64

// Runtime is the one that an owner's jobs get by a name: its own before the grid's. Nil
// if there is none.
func (s *State) Runtime(owner OwnerID, name string) *Runtime {
	if i := s.runtimeAt(owner, name); i >= 0 {
		return &s.Runtimes[i]
	}
	if i := s.runtimeAt("", name); i >= 0 {
		return &s.Runtimes[i]
	}
	return nil
}

// IsRuntime says whether a blob is a runtime that an owner's jobs may name and read: one
// of the grid or, since to name a blob is not to have it, one of its own that it keeps.
func (s *State) IsRuntime(owner OwnerID, id blob.ID) bool {
	return slices.ContainsFunc(s.Runtimes, func(r Runtime) bool {
		d := s.Datasets[id]
		return r.Blob == id && (r.Owner == "" || r.Owner == owner && d != nil && d.readableBy(owner))
	})
}

// CheckRuntime says what is wrong with a naming by the rules in force, or nil.
func (s *State) CheckRuntime(c *NameRuntime) *Rejection {
	n := s.Nodes[c.By]
	switch {
	case !s.can(VersionStrangers):
		return invalid("runtime", "some of the grid's coordinators are too old for it").next("upgrade the grid's coordinators")
	case n == nil:
		return reject(Denied, "UNKNOWN_NODE", "node "+c.By.Short(), "it is not admitted to this grid").next("join it with a token: `anthill join`")
	case !namePattern.MatchString(c.Name):
		return invalid("runtime", "%.70q is not a name", c.Name).next("use at most 64 letters, digits, '-', '_' and '.', a letter or a digit first")
	}
	scope := n.scope()
	if c.Blob.IsZero() {
		if s.runtimeAt(scope, c.Name) < 0 {
			return reject(NotFound, "UNKNOWN_RUNTIME", "runtime "+c.Name, "there is none of yours by this name").next("`anthill runtime list` shows which there are")
		}
		return nil
	}
	d := s.Datasets[c.Blob]
	if d == nil || n.Role != Operator && (d.claimOf(n.Owner) < 0 || !d.readableBy(n.Owner)) {
		return UnknownBlob(c.Blob)
	}
	if s.runtimeAt(scope, c.Name) < 0 && s.runtimesOf(scope) >= maxRuntimes {
		return reject(Precondition, "TOO_MANY_RUNTIMES", "runtime "+c.Name, "there are %d already", maxRuntimes).next("take some back: `anthill runtime rm NAME`")
	}
	return nil
}

func (s *State) nameRuntime(c *NameRuntime) Outcome {
	if r := s.CheckRuntime(c); r != nil {
		return rejected(r)
	}
	scope := s.Nodes[c.By].scope()
	if i := s.runtimeAt(scope, c.Name); i >= 0 {
		s.Runtimes = slices.Delete(s.Runtimes, i, i+1)
	}
	if !c.Blob.IsZero() {
		s.Runtimes = append(s.Runtimes, Runtime{Name: c.Name, Owner: scope, Blob: c.Blob, At: s.Now})
	}
	return Outcome{}
}

// scope is for whom a node names runtimes.
func (n *Node) scope() OwnerID {
	if n.Role == Operator {
		return ""
	}
	return n.Owner
}

func (s *State) runtimeAt(scope OwnerID, name string) int {
	return slices.IndexFunc(s.Runtimes, func(r Runtime) bool { return r.Owner == scope && r.Name == name })
}

func (s *State) runtimesOf(scope OwnerID) (count int) {
	for _, r := range s.Runtimes {
		if r.Owner == scope {
			count++
		}
	}
	return count
}

// namedBy is the name of a runtime by which a node's owner (an operator: anybody) uses a
// dataset, or "".
func (s *State) namedBy(n *Node, id blob.ID) string {
	for _, r := range s.Runtimes {
		if r.Blob == id && n != nil && (n.Role == Operator || r.Owner == n.Owner) {
			return r.Name
		}
	}
	return ""
}
