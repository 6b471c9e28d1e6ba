package jobs

import (
	"fmt"
	"time"
)

// A job whose tasks read what nobody has who is there waits for whoever has it: for as
// long as its input_wait says, and no longer. Then it fails, and says what was lacking.

const (
	// DefaultInputWait is how long a job waits for its input that does not say.
	DefaultInputWait = 24 * time.Hour
	// MinInputWait and MaxInputWait bound what it may say.
	MinInputWait = time.Second
	MaxInputWait = 90 * 24 * time.Hour
)

// LackedInput is a job whose tasks read what nobody has who is there. What is in words
// for people what is lacking.
type LackedInput struct {
	Job  JobID  `cbor:"1,keyasint"`
	What string `cbor:"2,keyasint,omitempty"`
}

func (s Spec) inputWait() time.Duration {
	if s.InputWait != 0 {
		return s.InputWait
	}
	return DefaultInputWait
}

// InputUntil is until when a job waits for what its tasks read, if that is with nobody
// now.
func (j *Job) InputUntil() (until Time, waits bool) {
	return j.Lacked.Add(j.Spec.inputWait()), j.Lacked != 0
}

// lackInput notes since when a job's input has been with nobody, and ends a job that has
// waited for it for as long as it would.
func (s *State) lackInput(l LackedInput) {
	j := s.Jobs[l.Job]
	if j == nil || j.State != JobRunning {
		return
	}
	if j.Lacked == 0 {
		j.Lacked = s.Now
		return
	}
	if until, _ := j.InputUntil(); s.Now >= until {
		s.finish(l.Job, j, JobFailed, Shorten(fmt.Sprintf("input: %s; nobody brought it for %v (input_wait)", l.What, j.Spec.inputWait()), MaxReason))
	}
}

// findInput takes back that a job's input is with nobody.
func (s *State) findInput(id JobID) {
	if j := s.Jobs[id]; j != nil {
		j.Lacked = 0
	}
}

func (s Spec) checkInputWait() *Rejection {
	if s.InputWait != 0 && (s.InputWait < MinInputWait || s.InputWait > MaxInputWait) {
		return invalid("input_wait", "%v is not between %v and %v", s.InputWait, MinInputWait, MaxInputWait).next("leave it out for a day")
	}
	return nil
}
