//go:build linux || darwin

package steady

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/anthill-grid/anthill/internal/problem"
)

func TestOpenWaitsForNoFIFO(t *testing.T) {
	dir := t.TempDir()
	check(t, syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	check(t, os.Symlink("fifo", filepath.Join(dir, "link")))
	socket, err := net.Listen("unix", filepath.Join(dir, "s"))
	check(t, err)
	defer socket.Close()
	for path, want := range map[string]string{
		filepath.Join(dir, "fifo"): "fifo: it is a FIFO", filepath.Join(dir, "link"): "link: it is a FIFO",
		filepath.Join(dir, "s"): "s: it is a socket", "/dev/null": "/dev/null: it is a device",
	} {
		_, err := Open(path)
		if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), want) || problem.Next(err) == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
	secret := filepath.Join(dir, "secret")
	write(t, secret, content)
	check(t, os.Chmod(secret, 0))
	if os.Geteuid() == 0 {
		t.Skip("everything is readable for root")
	}
	if _, err := Open(secret); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("got %v", err)
	}
}

func TestReadAllTakesPipesThatSomebodyWritesTo(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "fifo")
	check(t, syscall.Mkfifo(path, 0o600))
	if _, err := ReadAll(path, 100); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), path+": it is a FIFO to which nobody writes") {
		t.Errorf("without a writer: %v", err)
	}
	write(t, filepath.Join(dir, "f"), content)
	for path, want := range map[string]string{filepath.Join(dir, "f"): content, "/dev/null": ""} {
		if got, err := ReadAll(path, 10); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "f"): "f: it has more than 9 bytes", "/dev/zero": "/dev/zero: it has more than 9 bytes",
		dir: "it is a directory", filepath.Join(dir, "gone"): "gone: no such file",
	} {
		if _, err := ReadAll(path, 9); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	r, w, err := os.Pipe()
	check(t, err)
	defer r.Close()
	go func() {
		_, _ = w.WriteString(content)
		_ = w.Close()
	}()
	if got, err := ReadAll(fmt.Sprintf("/dev/fd/%d", r.Fd()), 100); err != nil || string(got) != content {
		t.Errorf("a pipe: %q, %v", got, err)
	}
}
