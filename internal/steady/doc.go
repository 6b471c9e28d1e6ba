// Package steady reads files that must not change meanwhile: a copy of a file that was
// written to while it was read never was in it. A file is looked at before and after, by
// its size, times, mode and place on the disk; what a system's clock is too coarse to
// tell apart is waited for.
//
// A writer that maps the file into its memory, or whose one write began before the file
// was opened, may stay unnoticed: such writes move no time while they go on.
package steady
