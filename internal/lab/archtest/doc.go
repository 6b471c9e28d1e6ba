// Package archtest holds the import rules of the architecture, and a few laws
// of the source that no compiler knows. Its test reads every Go file of the
// module and fails with the reason for a rule and how to mend the breach.
//
// The rules are the tables in rules.go; to change the architecture, change
// them, and RATIONALE.md with the reason.
package archtest
