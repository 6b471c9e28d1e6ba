// Package yamltree reads YAML, and JSON, as a tree in which every scalar has the text
// that was typed. What it means as a number, a truth value or nothing at all is asked of
// it where that matters, by the core schema of YAML 1.2: so 00123, yes and 1.10 reach
// whoever wants text as they are.
//
// What would not arrive as it was typed is an error of kind problem.ErrInvalid that
// begins with its line.
package yamltree
