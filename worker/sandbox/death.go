package sandbox

import (
	"errors"
	"io"
	"strings"
)

// causeOfDeath says why a child gave no answer. Call it after kill.
func causeOfDeath(child *process, err error) string {
	if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return "sandbox child was killed: " + err.Error()
	}
	obituary := child.obituary()
	return "sandbox child died: " + plainCause(obituary) + obituary
}

// plainCauses are what a child's last words mean, as far as they are not plain.
// The first that fits counts.
var plainCauses = []struct{ sign, meaning string }{
	{"out of memory", "it reached its memory limit"},
	{"cannot allocate memory", "it reached its memory limit"},
	{"SIGXCPU", "it reached its limit of processor time"},
	{"time limit exceeded", "it reached its limit of processor time"},
	{"signal: killed", "the system killed it, as it does when memory runs out"},
	{"SIGSEGV", "a fault of the engine"},
	{"signal: segmentation fault", "a fault of the engine"},
	{"signal: bus error", "a fault of the engine"},
	{"panic", "a fault of the engine"},
	{"fatal error", "a fault of the engine"},
}

// plainCause begins a sentence that the obituary ends.
func plainCause(obituary string) string {
	for _, c := range plainCauses {
		if strings.Contains(obituary, c.sign) {
			return c.meaning + ": "
		}
	}
	return ""
}
