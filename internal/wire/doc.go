// Package wire turns the domain's values into the messages of proto/anthill/v1
// and back: XToProto and XFromProto, a file for each noun. It is the one place
// that knows both, so whatever speaks to the grid says the same thing in the
// same way.
//
// Reading a message that makes no sense gives a *jobs.Rejection that names the
// field. What a value means, and whether it is allowed, jobs decides.
package wire
