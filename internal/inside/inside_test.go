package inside

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anthill-grid/anthill/internal/logs"
	"github.com/anthill-grid/anthill/internal/problem"
)

// node is a subject that can be made to hang or to lack something.
type node struct {
	lacks atomic.Bool
	hangs chan struct{} // Alive waits until it is closed
}

func (n *node) Collect(ch chan<- prometheus.Metric) {
	Gauge(ch, "anthill_slots", "Tasks that this worker runs at a time.", 3)
}

func (n *node) Ready() []Check {
	var err error
	if n.lacks.Load() {
		err = errors.New("it is full")
	}
	return []Check{{"disk", err}, {"leader", nil}}
}

func (n *node) Alive() { <-n.hangs }

func (n *node) Pictures() map[string]any { return map[string]any{"status": "fine"} }

func open(t *testing.T, n *node, address string) (*Doors, string) {
	t.Helper()
	// Longer than the path of a socket may be.
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 90))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	d, err := Open(Config{
		Dir: dir, Address: address, Subject: n, About: About{Role: "worker", Node: "w1", Release: "v1"},
		Recent: &logs.Recent{}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return d, dir
}

func get(t *testing.T, url, host string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestThePortShowsMetricsAndHealth(t *testing.T) {
	n := &node{hangs: make(chan struct{})}
	d, _ := open(t, n, ":0")
	if !strings.HasPrefix(d.Address(), "127.0.0.1:") {
		t.Errorf("without a host it listens at %s", d.Address())
	}
	at := "http://" + d.Address()
	for _, want := range []string{"anthill_slots 3", `anthill_info{node="w1",release="v1",role="worker"} 1`, "go_goroutines", "process_resident_memory_bytes", `anthill_ready{check="disk"} 1`} {
		if code, text := get(t, at+"/metrics", ""); code != 200 || !strings.Contains(text, want) {
			t.Errorf("/metrics: %d, without %s:\n%s", code, want, text)
		}
	}
	if code, text := get(t, at+"/readyz", ""); code != 200 || text != "disk: ok\nleader: ok\n" {
		t.Errorf("/readyz: %d, %s", code, text)
	}
	n.lacks.Store(true)
	if code, text := get(t, at+"/readyz", ""); code != 503 || !strings.Contains(text, "disk: it is full\n") {
		t.Errorf("/readyz of a node that is not ready: %d, %s", code, text)
	}
	if code, _ := get(t, at+"/healthz", ""); code != 503 {
		t.Errorf("/healthz of a node that hangs: %d", code)
	}
	close(n.hangs)
	if code, text := get(t, at+"/healthz", ""); code != 200 || text != "ok\n" {
		t.Errorf("/healthz: %d, %s", code, text)
	}
}

// What the port shows may be seen by others on the net, and by web sites that this user
// has open.
func TestThePortShowsNothingElse(t *testing.T) {
	d, _ := open(t, &node{}, "127.0.0.1:0")
	at := "http://" + d.Address()
	for path, want := range map[string]int{
		"/about": 404, "/log": 404, "/pictures": 404, "/": 404,
		"/debug/pprof/goroutine?debug=2": 200, "/debug/pprof/cmdline": 404,
	} {
		if code, _ := get(t, at+path, ""); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	if code, _ := get(t, at+"/debug/pprof/heap", "evil.example"); code != 403 {
		t.Errorf("a profile for a web site that points here: %d", code)
	}
}

func TestTheSocketShowsAll(t *testing.T) {
	n := &node{hangs: make(chan struct{})}
	close(n.hangs)
	_, dir := open(t, n, "")
	c := NewClient(dir)
	defer c.Close()
	for path, want := range map[string]string{
		"/about": `"node": "w1"`, "/pictures": `"status": "fine"`, "/readyz": "disk: ok", "/metrics": "anthill_slots 3", "/debug/pprof/goroutine?debug=2": "goroutine ",
	} {
		if text, err := c.Get(t.Context(), path); err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s: %v, %s", path, err, text)
		}
	}
	nobody := NewClient(t.TempDir())
	if err := nobody.WriteBundle(t.Context(), io.Discard, time.Now()); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("of a process that does not run: %v", err)
	}
}
