package e2e

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/inside"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// metric is a sample of what a process tells Prometheus; false: it has none. The name
// comes with its labels.
func metric(t *testing.T, dir, name string) (string, bool) {
	t.Helper()
	c := inside.NewClient(dir)
	defer c.Close()
	text, err := c.Get(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+" "); ok {
			return value, true
		}
	}
	return "", false
}

// awaitMetric waits until a sample has a value.
func awaitMetric(t *testing.T, dir, name, want string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(time.Minute); got != want; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s is %q, want %s", name, got, want)
		}
		got, _ = metric(t, dir, name)
	}
}

// ready is what a process says of whether it is ready.
func ready(t *testing.T, dir string) string {
	t.Helper()
	c := inside.NewClient(dir)
	defer c.Close()
	text, err := c.Get(t.Context(), "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLookingInside: a job leaves its traces in the metrics, health follows the loss of the
// majority, and a bundle has what helps and no secrets.
func TestLookingInside(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 3, Workers: gridtest.Friends("ada", "bruno")})
	client := grid.Connect(t)
	file, want := echoJob(t, handmade.Echo(), 20)
	id := submit(t, client, file)
	awaitSuccess(t, client, id)
	expectResults(t, client, id, want)

	leader, err := grid.Leader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"anthill_leader": "1", "anthill_voters": "3", "anthill_voters_alive": "3", "anthill_losses_left": "1", "anthill_workers": "2",
		"anthill_jobs_submitted_total": "1", `anthill_jobs{state="succeeded"}`: "1", "anthill_tasks_accepted": "20", "anthill_disk_full": "0",
		`anthill_ready{check="clock"}`: "1",
	} {
		awaitMetric(t, grid.Dir(leader), name, want)
	}
	if granted, _ := metric(t, grid.Dir(leader), "anthill_leases_granted_total"); len(granted) < 2 {
		t.Errorf("%s leases were granted for 20 tasks", granted)
	}
	if n, _ := metric(t, grid.Dir("w1"), `anthill_attempts_total{status="succeeded"}`); n == "" || n == "0" {
		t.Errorf("w1 has run %q attempts", n)
	}
	awaitMetric(t, grid.Dir("w1"), "anthill_session", "1")

	secret := grid.Token(t, anthillv1.Role_ROLE_WORKER, "chen", time.Hour)
	for _, name := range []string{leader, "w1"} {
		expectBundle(t, grid, name, secret)
	}
	expectHealth(t, grid, leader, healthv1.HealthCheckResponse_SERVING)

	last, lost := lastOf(t, grid)
	grid.KillAll(t, lost...)
	awaitMetric(t, grid.Dir(last), `anthill_ready{check="leader"}`, "0")
	awaitMetric(t, grid.Dir(last), "anthill_leader_known", "0")
	if text := ready(t, grid.Dir(last)); !strings.Contains(text, "leader: the coordinators have no leader") {
		t.Errorf("without a majority: %s", text)
	}
	expectHealth(t, grid, last, healthv1.HealthCheckResponse_NOT_SERVING)
	grid.RestartAll(t, lost...)
	awaitMetric(t, grid.Dir(last), `anthill_ready{check="leader"}`, "1")
	expectHealth(t, grid, last, healthv1.HealthCheckResponse_SERVING)
}

// expectBundle takes a bundle of a process and looks into it.
func expectBundle(t *testing.T, grid *gridtest.Grid, name, token string) {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "bundle.tgz")
	if code, _, stderr := grid.Run(t, "debug", "--data", grid.Dir(name), "-o", bundle); code != 0 {
		t.Fatalf("debug: exit code %d, %s", code, stderr)
	}
	files := unpack(t, bundle)
	for file, want := range map[string]string{
		"about.json": `"flags"`, "metrics.txt": "anthill_info{", "log.txt": "", "goroutines.txt": "goroutine 1 ",
		"readyz.txt": "disk: ok", "healthz.txt": "ok", "pictures.json": "{", "heap.pprof": "", "mutex.pprof": "",
	} {
		if text, there := files[file]; !there || !strings.Contains(text, want) {
			t.Errorf("%s: %s of the bundle lacks %q: %.200s", name, file, want, text)
		}
	}
	if text := files["log.txt"]; name != "w1" && !strings.Contains(text, "msg=leading") {
		t.Errorf("%s: the log lacks that it leads: %s", name, text)
	}
	if text := files["errors.txt"]; text != "" {
		t.Errorf("%s: errors: %s", name, text)
	}
	for what, secret := range secretsOf(t, grid, token) {
		for file, text := range files {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %s is in %s of the bundle", name, what, file)
			}
		}
	}
}

// unpack reads a bundle, profiles unpacked once more.
func unpack(t *testing.T, bundle string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for tarred := tar.NewReader(bytes.NewReader(unzip(t, data))); ; {
		head, err := tarred.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(tarred)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(head.Name, ".pprof") {
			text = unzip(t, text)
		}
		files[path.Base(head.Name)] = string(text)
	}
}

func unzip(t *testing.T, data []byte) []byte {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// secretsOf are all keys and tokens of a grid, in the ways in which they may be written.
func secretsOf(t *testing.T, grid *gridtest.Grid, token string) map[string]string {
	t.Helper()
	secrets := map[string]string{"a token": token, "a part of a token": token[len(token)/2:]}
	keys, err := filepath.Glob(filepath.Join(filepath.Dir(grid.Dir("c1")), "*", "*key*.pem"))
	if err != nil || len(keys) < 5 {
		t.Fatalf("keys: %v, %v", keys, err)
	}
	for _, file := range append(keys, filepath.Join(grid.Context(), "key.pem")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(text)
		if block == nil {
			t.Fatalf("%s is no PEM", file)
		}
		key := block.Bytes[len(block.Bytes)-32:] // of PKCS 8 the seed is the end
		body := strings.Split(string(text), "\n")[1]
		secrets[file+", as base64"] = body[len(body)-32:]
		secrets[file+", as bytes"] = string(key)
		secrets[file+", as hex"] = hex.EncodeToString(key)
	}
	for what, secret := range secrets {
		secrets[what+" in a URL"] = url.QueryEscape(secret)
	}
	return secrets
}

// expectHealth waits until the health service of a coordinator says something.
func expectHealth(t *testing.T, grid *gridtest.Grid, name string, want healthv1.HealthCheckResponse_ServingStatus) {
	t.Helper()
	c := inside.NewClient(grid.Dir(name))
	defer c.Close()
	text, err := c.Get(t.Context(), "/about")
	var about inside.About
	if err = errors.Join(err, json.Unmarshal(text, &about)); err != nil {
		t.Fatal(err)
	}
	conn := dialAs(t, about.Flags["listen"], grid.Context())
	var got healthv1.HealthCheckResponse_ServingStatus
	for end := time.Now().Add(30 * time.Second); got != want; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s says that it is %v, want %v", name, got, want)
		}
		resp, err := healthv1.NewHealthClient(conn).Check(t.Context(), &healthv1.HealthCheckRequest{}, grpc.WaitForReady(true))
		if err != nil && status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
		got = resp.GetStatus()
	}
}
