package screen_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/internal/module/screen"
)

const ours = "github.com/anthill-grid/anthill/"

// large imports much of the standard library, to be as large as guests get.
const large = `package main

import (
	"crypto/tls"
	"encoding/xml"
	"go/format"
	"go/types"
	"html/template"
	"image/jpeg"
	"net/http"
	"os"
	"reflect"
)

func main() {
	_ = http.ListenAndServe("", nil)
	_, _ = types.Eval(nil, nil, 0, os.Args[0])
	_, _ = format.Source(nil)
	_, _ = jpeg.Decode(os.Stdin)
	_, _ = tls.Dial("tcp", "", nil)
	_ = xml.NewDecoder(os.Stdin).Decode(nil)
	_ = template.New("").Execute(os.Stdout, reflect.ValueOf(os.Args).MethodByName(os.Args[0]))
}
`

func TestHonestGuestsPass(t *testing.T) {
	if testing.Short() {
		t.Skip("building guests takes seconds")
	}
	for _, pkg := range []string{"worker/sandbox/testdata/guest", "examples/wordcount/guest", "examples/mandelbrot/guest"} {
		wantPass(t, pkg, guests.Build(t, ours+pkg))
	}
	dir := t.TempDir()
	source, out := filepath.Join(dir, "main.go"), filepath.Join(dir, "large.wasm")
	write(t, source, large)
	build(t, out, []string{"GOOS=wasip1", "GOARCH=wasm"}, "go", "build", "-o", out, source)
	wantPass(t, "a large part of the standard library", out)
}

// inC has a switch that compilers make a jump table of, calls through pointers
// and floating point formatting.
const inC = `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static int less(const void *a, const void *b) { return strcmp(*(char **)a, *(char **)b); }
int main(int argc, char **argv) {
	static char *lines[1000]; static char text[100]; int n = 0;
	while (n < 1000 && fgets(text, sizeof text, stdin)) lines[n++] = strdup(text);
	qsort(lines, n, sizeof *lines, less);
	for (int i = 0; i < n; i++) switch (lines[i][0]) {
		case 'a': puts("A"); break; case 'b': puts("B"); break; case 'c': puts("C"); break;
		case 'd': printf("%f\n", atof(lines[i])); break; case 'e': exit(3); default: puts(lines[i]);
	}
	return 0;
}
`

func TestHonestCPasses(t *testing.T) {
	clang, err := exec.LookPath("clang")
	if err != nil {
		t.Skip("no clang here (Debian: clang lld wasi-libc libclang-rt-14-dev-wasm32)")
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "main.c")
	write(t, source, inC)
	for _, level := range []string{"-O0", "-O2", "-Os"} {
		out := filepath.Join(dir, "c"+level+".wasm")
		build(t, out, nil, clang, "--target=wasm32-wasi", "--sysroot=/usr", level, source, "-o", out)
		wantPass(t, "C with "+level, out)
	}
}

const inRust = `use std::io::Read;
fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let mut counts = std::collections::BTreeMap::new();
    for word in text.split_whitespace() { *counts.entry(word.to_lowercase()).or_insert(0u64) += 1; }
    for (word, n) in &counts { println!("{word} {n}"); }
}
`

func TestHonestRustPasses(t *testing.T) {
	const rustc = "/usr/bin/rustc" // Debian's, which has the target's library
	if _, err := os.Stat(rustc); err != nil {
		t.Skip("no Debian rustc here (Debian: rustc libstd-rust-dev-wasm32)")
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "main.rs")
	write(t, source, inRust)
	for _, level := range []string{"0", "3"} {
		out := filepath.Join(dir, "rust"+level+".wasm")
		build(t, out, nil, rustc, "--target=wasm32-wasi", "-Copt-level="+level, source, "-o", out)
		wantPass(t, "Rust with opt-level "+level, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// build skips the test where the toolchain lacks the target.
func build(t *testing.T, out string, env []string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Env = filepath.Dir(out), append(os.Environ(), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("%s cannot build for wasip1 here: %v: %.300s", command[0], err, text)
	}
}

func wantPass(t *testing.T, name, path string) {
	t.Helper()
	module, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := screen.Check(module, screen.Options{Memory: 512 << 20}); err != nil {
		t.Errorf("%s, %d bytes: %v", name, len(module), err)
	}
}
