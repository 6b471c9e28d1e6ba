package jobs

// EventKind is what an event tells, in the order of the wire enum.
type EventKind uint8

// The kinds of events.
const (
	EventDisputed EventKind = iota + 1
	EventBanned
	EventFinished
	EventReopened
	EventChanged
	EventDoubted
	EventFailed
)

// Event is something that people who follow a job want to know.
type Event struct {
	Sequence uint64    `cbor:"1,keyasint"`
	At       Time      `cbor:"2,keyasint"`
	Kind     EventKind `cbor:"3,keyasint"`
	Owner    OwnerID   `cbor:"4,keyasint,omitempty"`
	Text     string    `cbor:"5,keyasint"`
}

// maxEvents bounds how many events a job keeps; older ones fade.
const maxEvents = 32

func (s *State) event(j *Job, kind EventKind, owner OwnerID, text string) {
	if len(j.Events) >= maxEvents {
		j.Events = append([]Event(nil), j.Events[1:]...)
	}
	j.Events = append(j.Events, Event{Sequence: j.EventSeq, At: s.Now, Kind: kind, Owner: owner, Text: text})
	j.EventSeq++
}
