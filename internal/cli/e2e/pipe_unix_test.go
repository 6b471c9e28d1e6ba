//go:build unix

package e2e

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
)

// TestGetEndsWithItsPipe is of a reader that has had enough, as head has.
func TestGetEndsWithItsPipe(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{})
	id, data := serveFile(t, grid, 24<<20)
	room := t.TempDir()
	var stderr bytes.Buffer
	get := exec.Command(grid.Exe, "get", "blob:"+id, "-o", "-")
	get.Env = append(os.Environ(), "ANTHILL_GRID="+grid.Context(), "TMPDIR="+room)
	get.Stderr = &stderr
	stdout, err := get.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := get.Start(); err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 100)
	if _, err := io.ReadFull(stdout, head); err != nil || !bytes.Equal(head, data[:100]) {
		t.Errorf("it begins with %x, %v", head, err)
	}
	_ = stdout.Close()
	if err := get.Wait(); err == nil || get.ProcessState.ExitCode() != 141 {
		t.Errorf("it ends by %v: %s", err, &stderr)
	}
	if bytes.Contains(stderr.Bytes(), []byte("anthill:")) {
		t.Errorf("it says %s", &stderr)
	}
	if left, err := os.ReadDir(room); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}
