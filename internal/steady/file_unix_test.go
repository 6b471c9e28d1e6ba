//go:build linux || darwin

package steady

import (
	"errors"
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
