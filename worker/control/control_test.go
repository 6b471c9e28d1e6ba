package control

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
)

// fake notes what it is asked, and fails at resuming.
type fake struct{ got []Command }

func (f *fake) Do(c Command) (Status, error) {
	f.got = append(f.got, c)
	s := Status{Node: "n", Pauses: []Pause{{Reason: c.Reason, Since: time.Unix(7, 0).UTC()}}, Slots: []Slot{{Job: "j", Task: new(uint32(3))}}}
	if c.Do == DoResume {
		return s, errors.New("it does not want to")
	}
	return s, nil
}

func serve(t *testing.T, dir string) (*fake, *Server) {
	t.Helper()
	f := &fake{}
	s, err := Listen(dir, f)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { s.Run(ctx); close(ended) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return f, s
}

func TestAskReachesTheWorker(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("long/", 30))
	if err := os.MkdirAll(long, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"short path": shortDir(t), "long path": long} {
		t.Run(name, func(t *testing.T) {
			f, _ := serve(t, dir)
			s, err := Ask(t.Context(), dir, Command{Do: DoPause, Reason: ByUser})
			if err != nil || s.Pauses[0].Reason != ByUser || *s.Slots[0].Task != 3 || len(f.got) != 1 {
				t.Errorf("Ask = %+v, %v", s, err)
			}
			s, err = Ask(t.Context(), dir, Command{Do: DoResume})
			if err == nil || !strings.Contains(err.Error(), "it does not want to") || s.Node != "n" {
				t.Errorf("Ask = %+v, %v; want the worker's error and its status", s, err)
			}
		})
	}
}

// shortDir has a path that is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestOnlyTheOwnerMayAsk(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no permission bits")
	}
	dir := shortDir(t)
	serve(t, dir)
	info, err := os.Stat(filepath.Join(dir, socketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket %v, %v; want mode 0600", info.Mode(), err)
	}
}

func TestNobodyThere(t *testing.T) {
	dir := shortDir(t)
	if _, err := Ask(t.Context(), dir, Command{Do: DoStatus}); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("Ask without a worker = %v", err)
	}
	// What a worker leaves that was killed does not keep the next from starting.
	if err := os.WriteFile(filepath.Join(dir, socketName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Ask(t.Context(), dir, Command{Do: DoStatus}); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("Ask at a dead socket = %v", err)
	}
	serve(t, dir)
	if _, err := Ask(t.Context(), dir, Command{Do: DoStatus}); err != nil {
		t.Error(err)
	}
}

func TestNoiseIsAnswered(t *testing.T) {
	dir := shortDir(t)
	f, _ := serve(t, dir)
	conn, err := net.Dial("unix", filepath.Join(dir, socketName))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("{]\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(answer), "invalid character") || len(f.got) != 0 {
		t.Errorf("noise was answered with %q, %v, and reached the worker: %v", answer, err, f.got)
	}
}
