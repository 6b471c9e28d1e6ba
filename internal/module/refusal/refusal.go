// Package refusal is why a module cannot be a task: what the screen, the rewriter and
// the engine say of it in common.
package refusal

// Reason is the kind of thing that is wrong with a module.
type Reason int

// The reasons.
const (
	NotWasm       Reason = iota + 1 // the bytes are something else
	Component                       // a component, not a core module
	Malformed                       // WASM that is cut short or of no known form
	TooLarge                        // larger than screen.MaxSize
	ForeignImport                   // imports what the ABI does not have, or by another type
	NoStart                         // no function _start, or one of another type
	NoMemory                        // no exported memory
	Unsupported                     // needs a proposal that the engine does not have
	TooMany                         // more of something than its limit
	TooCostly                       // code that takes the engine too long to compile
	MemoryLimit                     // starts with more memory than the job allows
	Unbounded                       // a table that grows without a maximum
	Invalid                         // types that do not fit, or names of what is not there
	Unrewritable                    // what workers cannot rewrite, though engines run it
	Misplaced                       // a segment that goes beyond its memory or table
	Uncompilable                    // what the engine does not take, though it passed the screen
)

// Error is that of a module that cannot be a task.
type Error struct {
	Reason Reason `json:"-"`
	// Found is what is wrong with the module, Next what its author can do; that is
	// empty where nothing is known but to build the module in another way.
	Found string `json:"found"`
	Next  string `json:"next"`
}

// Error gives both halves in one line.
func (r *Error) Error() string {
	if r.Next == "" {
		return r.Found
	}
	return r.Found + "; " + r.Next
}
