package screen

import "fmt"

// Reason says why a module was refused.
type Reason int

// The reasons.
const (
	NotWasm       Reason = iota + 1 // the bytes are something else
	Component                       // a component, not a core module
	Malformed                       // WASM that is cut short or of no known form
	TooLarge                        // larger than MaxSize
	ForeignImport                   // imports what the ABI does not have
	NoStart                         // no function _start, or one of another type
	NoMemory                        // no exported memory
)

// Refusal is the error of a module that cannot be a task.
type Refusal struct {
	Reason Reason
	// Found is what is wrong with the module, Next what its author can do.
	Found, Next string
}

// Error gives both halves in one line.
func (r *Refusal) Error() string { return r.Found + "; " + r.Next }

func refuse(reason Reason, found, next string) error {
	return &Refusal{Reason: reason, Found: found, Next: next}
}

func malformed(found string) error {
	return refuse(Malformed, "malformed module: "+found, "build it again, or check that it was copied whole")
}

// quote shows a name of the module's making without letting it fill a screen.
func quote(name string) string {
	const most = 80
	if len(name) > most {
		return fmt.Sprintf("%q...", name[:most])
	}
	return fmt.Sprintf("%q", name)
}
