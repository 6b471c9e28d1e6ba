// Package pick finds the files that a pattern names, and says of all else that the
// pattern matches why it is no file to take: so that nobody gets fewer files than were
// asked for, or others, without a word.
//
// Wildcards match no hidden files; links to directories, and links out of the directory
// in which a pattern begins, are followed only if that is asked for. What is named without
// wildcards must be there.
package pick
