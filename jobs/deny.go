package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"

	"github.com/anthill-grid/anthill/internal/blob"
)

// DenyKey names a blob that must not be had, and does not tell which it is to those who do
// not have it: it is the SHA-256 in hex of the blob's id as people write it.
type DenyKey string

// DenyKeyOf is the key of a blob.
func DenyKeyOf(id blob.ID) DenyKey {
	sum := sha256.Sum256([]byte(id.String()))
	return DenyKey(hex.EncodeToString(sum[:]))
}

// ParseDenyKey reads one.
func ParseDenyKey(text string) (DenyKey, bool) {
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != sha256.Size {
		return "", false
	}
	return DenyKey(hex.EncodeToString(raw)), true
}

// Denial is a blob on the grid's deny list: no coordinator has it or serves it, no job may
// name it, and workers keep away from it unless their donors say otherwise.
type Denial struct {
	At  Time   `cbor:"1,keyasint"`
	By  NodeID `cbor:"2,keyasint"`
	Why string `cbor:"3,keyasint,omitempty"`
}

const (
	// MaxDenied bounds the grid's deny list, and MaxDenyChange the keys of one change.
	MaxDenied     = 100_000
	MaxDenyChange = 2000
)

// ChangeDenied takes blobs on the grid's deny list, or off it.
type ChangeDenied struct {
	Keys []DenyKey `cbor:"1,keyasint"`
	Off  bool      `cbor:"2,keyasint,omitempty"`
	By   NodeID    `cbor:"3,keyasint"`
	Why  string    `cbor:"4,keyasint,omitempty"`
}

// Denies says whether a blob is on the grid's deny list.
func (s *State) Denies(id blob.ID) bool {
	return len(s.Denied) > 0 && s.Denied[DenyKeyOf(id)] != nil
}

func (s *State) changeDenied(c *ChangeDenied) Outcome {
	if r := s.mayChangeDenied(c); r != nil {
		return rejected(r)
	}
	changed := 0
	for _, key := range c.Keys {
		switch listed := s.Denied[key] != nil; {
		case c.Off && listed:
			delete(s.Denied, key)
			changed++
		case !c.Off && !listed:
			s.Denied[key] = &Denial{At: s.Now, By: c.By, Why: c.Why}
			changed++
		}
	}
	if changed == 0 {
		return Outcome{}
	}
	s.DenyRevision++
	verb := "taken on it"
	if c.Off {
		verb = "taken off it"
	}
	s.note(c.By, ActDenied, fmt.Sprintf("%s %s", plural(changed, "blob"), verb), c.Why)
	if !c.Off {
		s.enforceDenied()
	}
	return Outcome{}
}

func (s *State) mayChangeDenied(c *ChangeDenied) *Rejection {
	added := 0
	for _, key := range c.Keys {
		if again, ok := ParseDenyKey(string(key)); !ok || again != key {
			return invalid("keys", "%.80q is not the SHA-256 of a blob's id", key)
		}
		if s.Denied[key] == nil {
			added++
		}
	}
	switch {
	case len(c.Keys) > MaxDenyChange:
		return invalid("keys", "%d are too many at once, at most %d", len(c.Keys), MaxDenyChange)
	case len(c.Why) > MaxWhy:
		return invalid("reason", "it has %d bytes, more than %d", len(c.Why), MaxWhy)
	case !c.Off && len(s.Denied)+added > MaxDenied:
		return reject(Exhausted, "DENY_LIST_FULL", "deny list", "it would have %d blobs, more than %d", len(s.Denied)+added, MaxDenied).
			next("take some off it: `anthill deny rm`")
	}
	return nil
}

// enforceDenied ends what needs a blob that is denied: datasets, and running jobs that read
// one or came to one.
func (s *State) enforceDenied() {
	maps.DeleteFunc(s.Datasets, func(id blob.ID, _ *Dataset) bool { return s.Denies(id) })
	for _, id := range append([]JobID{}, s.Running()...) {
		j := s.Jobs[id]
		if r := s.deniedIn(j.Spec); r != nil {
			s.finish(id, j, JobFailed, r.Error())
			continue
		}
		for place := range j.Closed {
			if out := j.Closed[place].Output.ID; !out.IsZero() && s.Denies(out) {
				s.finish(id, j, JobFailed, fmt.Sprintf("task %d: its result is on the grid's deny list", j.TaskAt(Place(place))))
				break
			}
		}
	}
}

// deniedIn refuses a spec that names a blob on the deny list.
func (s *State) deniedIn(spec Spec) *Rejection {
	if len(s.Denied) == 0 {
		return nil
	}
	named := []DataFile{{Name: "bundle", Blob: spec.Bundle}}
	if b := spec.Input.Blob; b != nil {
		named = append(named, DataFile{Name: "input", Blob: b.Blob})
		if b.Index != nil {
			named = append(named, DataFile{Name: "input.index", Blob: *b.Index})
		}
	}
	for _, d := range spec.Data {
		named = append(named, DataFile{Name: "data." + d.Name, Blob: d.Blob})
	}
	for _, ref := range spec.Labels() {
		named = append(named, DataFile{Name: "input.labels", Blob: ref})
	}
	for _, n := range named {
		if s.Denies(n.Blob.ID) {
			return s.denied(n.Name, n.Blob.ID)
		}
	}
	return nil
}

func (s *State) denied(field string, id blob.ID) *Rejection {
	return reject(Denied, "BLOB_DENIED", field, "blob %s is on the grid's deny list", id.Short()).next("ask the grid's operators why")
}
