package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
)

// TestGetSurvivesSIGKILL kills a download half way; the next one goes on with
// what the first had on disk.
func TestGetSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{})
	id, data := serveFile(t, grid, 256<<20)
	path := filepath.Join(t.TempDir(), "data")
	get := exec.Command(grid.Exe, "get", id, "-o", path)
	get.Env = append(os.Environ(), "ANTHILL_GRID="+grid.Context())
	if err := get.Start(); err != nil {
		t.Fatal(err)
	}
	half := func() bool { return used(t, path+".part") > int64(len(data))/4 }
	for end := time.Now().Add(deadline); !half() && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	if err := get.Process.Kill(); err != nil {
		t.Skipf("it was complete before it could be killed: %v", err)
	}
	_ = get.Wait() // it was killed
	if _, err := os.Stat(path); err == nil {
		t.Skip("it was complete before it could be killed")
	}
	code, _, stderr := grid.Run(t, "get", id, "-o", path)
	if code != 0 {
		t.Fatalf("exit code %d, %s", code, stderr)
	}
	expectFile(t, path, data)
	came := regexp.MustCompile(`(\d+) were new`).FindStringSubmatch(stderr)
	if came == nil {
		t.Fatalf("it does not say what came:\n%s", stderr)
	}
	if n, err := strconv.Atoi(came[1]); err != nil || n == 0 || n >= len(data) {
		t.Errorf("%d of %d bytes came after the kill, %v", n, len(data), err)
	}
}

// used is how many bytes of disk a directory's files take, or nearly: they are
// sparse.
func used(t *testing.T, dir string) (sum int64) {
	t.Helper()
	out, err := exec.Command("du", "-s", "--block-size=1", dir).Output()
	if err != nil {
		return 0 // not there yet
	}
	size := regexp.MustCompile(`^\d+`).Find(out)
	sum, err = strconv.ParseInt(string(size), 10, 64)
	if err != nil {
		t.Fatalf("du says %q: %v", out, err)
	}
	return sum
}
