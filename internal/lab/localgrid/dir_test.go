package localgrid

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
)

func TestADirectoryServesOneGrid(t *testing.T) {
	dir := t.TempDir()
	first, second := &Grid{cfg: Config{Dir: dir}}, &Grid{cfg: Config{Dir: dir}}
	if err := first.takeDir(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := second.takeDir(t.Context()); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), dir+": another process uses it") {
		t.Errorf("a second grid: %v", err)
	}
	first.Close()
	if err := second.takeDir(t.Context()); err != nil {
		t.Errorf("after the first: %v", err)
	}
	second.Close()
}

// The processes of a grid that was killed take a moment to notice.
func TestTheProcessesOfADeadGridAreWaitedFor(t *testing.T) {
	var notes []string
	g := &Grid{cfg: Config{Dir: t.TempDir(), Coordinators: 2, Workers: make([]Worker, 1), Note: func(text string) { notes = append(notes, text) }}}
	lock, err := node.Lock(g.process("w1").dir)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	time.AfterFunc(300*time.Millisecond, func() { lock.Close() })
	if err := g.takeDir(t.Context()); err != nil || time.Since(began) < 300*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "until w1 has ended") {
		t.Errorf("told %q", notes)
	}
	if _, err := os.Stat(g.process("c1").dir); err == nil {
		t.Error("it made the directory of a process that never ran")
	}
	g.Close()
}

func TestPortsStayWhatTheyAre(t *testing.T) {
	dir := t.TempDir()
	first, err := ports(dir, 2, false)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ports(dir, 2, true)
	if err != nil || !slices.Equal(first, again) {
		t.Errorf("ports %v, then %v, %v", first, again, err)
	}
	taken := first[1]
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", taken))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := ports(dir, 2, true); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), fmt.Sprintf("port %d of 127.0.0.1 is taken, which coordinator c2", taken)) {
		t.Errorf("a port is taken: %v", err)
	}
	others, err := ports(dir, 2, false)
	if err != nil || slices.Contains(others, first[1]) {
		t.Errorf("a port is taken before the grid is founded: %v, %v", others, err)
	}
	if _, err := ports(dir, 3, true); !errors.Is(err, problem.ErrInvalid) {
		t.Errorf("another number of coordinators: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, portsFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := ports(dir, 2, true); err == nil {
		t.Error("the ports of a grid that is founded are made up")
	}
}
