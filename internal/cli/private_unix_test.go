//go:build unix

package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/problem"
)

// TestDataDirectoriesAreForOneUser, as keys are.
func TestDataDirectoriesAreForOneUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := checkPrivate(dir); err != nil {
		t.Errorf("one that is to be made: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for mode, private := range map[os.FileMode]bool{0o700: true, 0o500: true, 0o755: false, 0o710: false, 0o702: false} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		err := checkPrivate(dir)
		if (err == nil) != private || err != nil && (!errors.Is(err, problem.ErrInvalid) || !strings.Contains(problem.Next(err), "chmod 700")) {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	for _, command := range []string{"worker", "coordinator"} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		var stderr strings.Builder
		args := []string{command, "--data", dir, "--listen", "127.0.0.1:0"}
		if command == "coordinator" {
			args = append(args, "--bootstrap")
		}
		if code := run(t.Context(), "", args, &stderr, &stderr); code != exitUsage || !strings.Contains(stderr.String(), "chmod 700") {
			t.Errorf("%s: exit code %d, %s", command, code, stderr.String())
		}
	}
}
