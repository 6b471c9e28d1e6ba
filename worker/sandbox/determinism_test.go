package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// TestDeterminism runs guests on wazero's compiler and its interpreter, on both
// for arm64 in an emulator, if there is one (make determinism installs it), and in
// a slot as the grid does. All must write the same bytes and use the same fuel:
// this is what the grid compares.
func TestDeterminism(t *testing.T) {
	if testing.Short() {
		t.Skip("compiling Go guests takes seconds")
	}
	dir := t.TempDir()
	subjects := append(handmadeSubjects(t, dir), built(t, dir)...)
	hosts := findHosts(t, dir)
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			want := hosts[0].run(t, s)
			for _, h := range hosts[1:] {
				if s.slow && h.slow {
					continue
				}
				if got := h.run(t, s); !bytes.Equal(got, want) {
					t.Errorf("%s writes %s; want as on %s", h.name, difference(got, want), hosts[0].name)
				}
			}
			wantInSlot(t, s, want)
		})
	}
}

// wantInSlot runs the module as its submitter has made it. A slot gives no output
// of a guest that trapped, only how it ended.
func wantInSlot(t *testing.T, s subject, want []byte) {
	t.Helper()
	task := newTask(t, s.source)
	task.Args = s.args
	r := run(t, newSlot(t), task)
	if r.Status == Exited {
		end := fmt.Sprintf("\nexited with %d with fuel %d\n", r.ExitCode, r.Fuel)
		if got := append(r.Output, end...); !bytes.Equal(got, want) {
			t.Errorf("a slot writes %s", difference(got, want))
		}
		return
	}
	if end := fmt.Sprintf("\n%v with fuel %d\n", r.Status, r.Fuel); !bytes.HasSuffix(want, []byte(end)) {
		t.Errorf("in a slot it ends with %q, otherwise with %q", end, want[max(0, len(want)-len(end)):])
	}
}

// subject is a module, as it would run in a worker.
type subject struct {
	name, path string
	source     []byte // before the rewriting
	args       []string
	slow       bool // takes long to compile in an emulator
}

// prepare writes a module rewritten: without that, NaNs and the depth of calls
// are the engine's own, and there is no fuel.
func prepare(t *testing.T, dir, name string, module []byte) subject {
	t.Helper()
	r, err := rewrite.Rewrite(module, rewrite.Options{NaN: true, Depth: true, Fuel: true})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	path := filepath.Join(dir, name+".wasm")
	if err := os.WriteFile(path, r.Module, 0o600); err != nil {
		t.Fatal(err)
	}
	return subject{name: name, path: path, source: module}
}

func handmadeSubjects(t *testing.T, dir string) []subject {
	return []subject{
		prepare(t, dir, "floats", handmade.Floats()),
		prepare(t, dir, "recurse", handmade.Descend()),
		prepare(t, dir, "grow", handmade.Grow()),
		prepare(t, dir, "sleep", sleeper(true, subscription{mark: 7, id: 1, flags: 1}, subscription{mark: 8, kind: 1})),
		prepare(t, dir, "failures", failures()),
	}
}

// built are the guests of the benchmark in the languages that build here.
func built(t *testing.T, dir string) []subject {
	var all []subject
	ctx := context.Background()
	for _, language := range guests.Languages {
		tools, err := guests.Find(ctx, language)
		if err != nil {
			t.Logf("no guests in %s: %v", language, err)
			continue
		}
		for _, g := range guests.All() {
			if g.Sizes[language] == 0 {
				continue
			}
			path, err := tools.Module(ctx, g.Name, dir)
			if err != nil {
				t.Fatal(err)
			}
			module, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			s := prepare(t, dir, g.Name+"-"+string(language), module)
			s.args = []string{strconv.Itoa(g.Small)}
			s.slow = language == guests.Go && g.Name != "nbody" && os.Getenv(emulateAll) == ""
			all = append(all, s)
		}
	}
	return all
}

// emulateAll is set in the environment to compile all guests in the emulator,
// which takes a minute, instead of one of the large ones.
const emulateAll = "ANTHILL_EMULATE_ALL"

// host is an engine on a machine, which runs modules by a command.
type host struct {
	name    string
	command []string
	slow    bool
}

func findHosts(t *testing.T, dir string) []host {
	here := buildRunner(t, dir, runtime.GOARCH)
	hosts := []host{
		{name: "compiler", command: []string{here, "compiler"}},
		{name: "interpreter", command: []string{here, "interpreter"}},
	}
	if runtime.GOARCH != "amd64" {
		return hosts
	}
	for _, name := range []string{"qemu-aarch64-static", "qemu-aarch64"} {
		if emulator, err := exec.LookPath(name); err == nil {
			there := buildRunner(t, dir, "arm64")
			return append(hosts,
				host{name: "compiler of arm64", command: []string{emulator, there, "compiler"}, slow: true},
				host{name: "interpreter of arm64", command: []string{emulator, there, "interpreter"}},
			)
		}
	}
	t.Log("arm64 is not tried, as there is no qemu-aarch64 (Debian: qemu-user-static; or make determinism)")
	return hosts
}

// buildRunner builds testdata/runner for a processor.
func buildRunner(t *testing.T, dir, arch string) string {
	t.Helper()
	path := filepath.Join(dir, "runner-"+arch+".exe")
	cmd := exec.Command("go", "build", "-o", path, "./testdata/runner")
	cmd.Env = append(os.Environ(), "GOARCH="+arch, "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build runner for %s: %v: %s", arch, err, text)
	}
	return path
}

func (h host) run(t *testing.T, s subject) []byte {
	t.Helper()
	args := append(h.command[1:len(h.command):len(h.command)], s.path)
	cmd := exec.Command(h.command[0], append(args, s.args...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v: %.500s", h.name, err, complaint.Bytes())
	}
	return out
}

// difference shows where two outputs part.
func difference(got, want []byte) string {
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	const shown = 16
	return fmt.Sprintf("%d bytes instead of %d, and from byte %d on %q instead of %q", len(got), len(want), at,
		got[at:min(len(got), at+shown)], want[at:min(len(want), at+shown)])
}
