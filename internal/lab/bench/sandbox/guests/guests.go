// Package guests builds the programs that the sandbox is measured and tested
// with, each in several languages, as WASM modules and as native programs. All
// of a name print the same line for the same size, which is their argument.
package guests

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
)

// sources are those that no Go toolchain knows; the Go ones are found by their
// import paths.
//
//go:embed c rust
var sources embed.FS

// Language is what a guest is written in.
type Language string

// The languages.
const (
	Go   Language = "go"
	C    Language = "c"
	Rust Language = "rust"
)

// Languages are all of them, in the order of reports.
var Languages = []Language{Go, C, Rust}

// Noop is the guest that does nothing; it is there in Go and C.
const Noop = "noop"

// Guest is a program that computes.
type Guest struct {
	Name string
	// Small is a size that takes milliseconds.
	Small int
	// Sizes are those that take some 0.3 to 1 s in WASM, for each language
	// that has the guest.
	Sizes map[Language]int
}

// All returns the guests, without Noop.
func All() []Guest {
	return []Guest{
		{"mandelbrot", 40, map[Language]int{Go: 1600, C: 1600, Rust: 1600}},
		{"sieve", 10_000, map[Language]int{Go: 24_000_000, C: 40_000_000}},
		{"sha256", 20, map[Language]int{Go: 32 << 10, C: 64 << 10}},
		{"json", 100, map[Language]int{Go: 15_000, C: 120_000}},
		{"nbody", 300, map[Language]int{Go: 4_000_000, C: 5_000_000}},
		{"sort", 5000, map[Language]int{Go: 3_000_000, C: 4_000_000, Rust: 5_000_000}},
	}
}

// source writes a guest's source into dir and returns its path.
func source(language Language, name, dir string) (string, error) {
	file := map[Language]string{C: "c/" + name + ".c", Rust: "rust/" + name + ".rs"}[language]
	text, err := sources.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("guest %s in %s: %w", name, language, err)
	}
	path := filepath.Join(dir, filepath.Base(file))
	return path, os.WriteFile(path, text, 0o600)
}
