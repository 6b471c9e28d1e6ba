package guests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Toolchain builds the guests of one language.
type Toolchain struct {
	language Language
	module   []string // command and its first arguments
	native   []string
}

// Find looks for a toolchain that can build modules. Its error says what is
// missing, in words for people.
func Find(ctx context.Context, language Language) (*Toolchain, error) {
	switch language {
	case C:
		return findC(ctx)
	case Rust:
		return findRust(ctx)
	}
	if _, err := exec.LookPath("go"); err != nil {
		return nil, fmt.Errorf("no go command: %w", err)
	}
	// As in the Makefile: the same source makes the same module anywhere.
	build := []string{"go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w"}
	return &Toolchain{Go, build, build}, nil
}

// findC tries clang, since the libraries for WASM are packages of their own.
func findC(ctx context.Context) (*Toolchain, error) {
	native := "cc"
	if _, err := exec.LookPath(native); err != nil {
		native = "clang"
	}
	t := &Toolchain{
		C, []string{"clang", "--target=wasm32-wasi", "--sysroot=/usr", "-O2"},
		[]string{native, "-O2", "-std=c99", "-ffp-contract=off"},
	}
	dir, err := os.MkdirTemp("", "guests")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if _, err := t.Module(ctx, Noop, dir); err != nil {
		return nil, fmt.Errorf("no clang for wasm32-wasi (Debian: clang lld wasi-libc libclang-rt-14-dev-wasm32): %w", err)
	}
	return t, nil
}

// findRust looks at every rustc of the path: one that came with rustup may
// hide a distribution's, which has the target.
func findRust(ctx context.Context) (*Toolchain, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		rustc := filepath.Join(dir, "rustc")
		for _, target := range []string{"wasm32-wasip1", "wasm32-wasi"} {
			libraries, err := exec.CommandContext(ctx, rustc, "--print", "target-libdir", "--target", target).Output()
			if err != nil {
				continue
			}
			if _, err := os.Stat(strings.TrimSpace(string(libraries))); err == nil {
				native := []string{rustc, "-C", "opt-level=3", "-C", "strip=symbols"}
				return &Toolchain{Rust, append(native[:5:5], "--target", target), native}, nil
			}
		}
	}
	return nil, fmt.Errorf("no rustc with the libraries of wasm32-wasi (Debian: rustc libstd-rust-dev-wasm32)")
}

// Module builds a guest for wasip1 in dir and returns the module's path.
func (t *Toolchain) Module(ctx context.Context, name, dir string) (string, error) {
	return t.build(ctx, t.module, name, dir, ".wasm", "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
}

// Native builds a guest for this machine in dir and returns the program's path.
func (t *Toolchain) Native(ctx context.Context, name, dir string) (string, error) {
	return t.build(ctx, t.native, name, dir, ".exe")
}

func (t *Toolchain) build(ctx context.Context, command []string, name, dir, suffix string, env ...string) (string, error) {
	out := filepath.Join(dir, name+"-"+string(t.language)+suffix)
	args := append(command[1:len(command):len(command)], "-o", out)
	if t.language == Go {
		args = append(args, "github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests/go/"+name)
	} else {
		path, err := source(t.language, name, dir)
		if err != nil {
			return "", err
		}
		args = append(args, path)
	}
	if t.language == C {
		args = append(args, "-lm")
	}
	cmd := exec.CommandContext(ctx, command[0], args...)
	cmd.Env = append(os.Environ(), env...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build guest %s in %s: %w\n%s", name, t.language, err, text)
	}
	return out, nil
}
