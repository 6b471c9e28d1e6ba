package archtest

import (
	"strings"
	"testing"
)

// root is the module's.
const root = "../../.."

var checks = map[string]func([]file) []string{
	"imports":  checkImports,
	"circles":  checkCircles,
	"names":    checkNames,
	"comments": checkComments,
	"sizes":    checkSizes,
	"purity":   checkPurity,
}

func read(t *testing.T) []file {
	t.Helper()
	files, err := readModule(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("only %d Go files found: is %s the module?", len(files), root)
	}
	return files
}

func TestModule(t *testing.T) {
	files := read(t)
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for _, b := range check(files) {
				t.Error(b)
			}
		})
	}
}

// made parses made-up files, given as "path" and "source".
func made(t *testing.T, pathsAndSources ...string) []file {
	t.Helper()
	var files []file
	for i := 0; i < len(pathsAndSources); i += 2 {
		f, err := parse(pathsAndSources[i], []byte(pathsAndSources[i+1]))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func TestImportRules(t *testing.T) {
	for _, test := range []struct {
		path, imports string
		want          string // in the message; "" if the import is fine
	}{
		{"jobs/state.go", "internal/blob", ""},
		{"jobs/state.go", "!time", ""},
		{"jobs/state.go", "proto/anthill/v1", "lies above jobs (the domain)"},
		{"jobs/state.go", "!net", "replicas apply the same commands"},
		{"jobs/state.go", "!os", "let the proposer decide it"},
		{"jobs/state.go", "!math/rand/v2", "replicas apply the same commands"},
		{"jobs/state.go", "!crypto/rand", "replicas apply the same commands"},
		{"jobs/state.go", "!github.com/hashicorp/raft", "no proto, raft"},
		{"jobs/state_test.go", "!math/rand/v2", ""},
		{"internal/blob/id.go", "!net", "arithmetic on bytes"},
		{"internal/blob/id.go", "jobs", "lies above internal/blob (the pure bottom)"},
		{"sdk/task/task.go", "!os", ""},
		{"sdk/task/task.go", "!net/http", "compiled into guests"},
		{"sdk/task/task.go", "sdk", "lies above sdk/task"},
		{"internal/module/screen/screen.go", "!github.com/tetratelabs/wazero", "pure functions of its bytes"},
		{"internal/wire/ref.go", "proto/anthill/v1", ""},
		{"internal/wire/ref.go", "internal/blobstore", "(the adapters) lies above internal/wire (the wire)"},
		{"proto/anthill/v1/job.pb.go", "internal/wire", "lies above proto/anthill/v1 (the messages)"},
		{"internal/swarm/swarm.go", "internal/wire", ""},
		{"internal/swarm/swarm.go", "internal/blobstore", ""},
		{"internal/swarm/swarm.go", "proto/anthill/v1", ""},
		{"internal/swarm/swarm.go", "coordinator/rpc", "the rooms"},
		{"coordinator/run.go", "coordinator/placement", ""},
		{"coordinator/placement/plan.go", "coordinator", "(the houses) lies above coordinator/placement (the rooms)"},
		{"coordinator/run.go", "coordinator/desk", ""},
		{"coordinator/desk/offers.go", "coordinator/keeper", "hand on what it needs in desk.Config"},
		{"coordinator/rpc/work.go", "coordinator/desk", ""},
		{"coordinator/keeper/copies.go", "coordinator/desk", "most of them have no desk"},
		{"coordinator/run.go", "worker", "meet only on the wire"},
		{"coordinator/rpc/work.go", "worker/executor", "meet only on the wire"},
		{"coordinator/rpc/submit.go", "internal/module/screen", ""},
		{"worker/executor/run.go", "coordinator/rpc", "meet only on the wire"},
		{"worker/run_test.go", "coordinator", ""},
		{"sdk/connect.go", "internal/identity", ""},
		{"sdk/connect.go", "coordinator/rpc", "a submitter is a client"},
		{"sdk/prepare.go", "internal/module/screen", ""},
		{"examples/wordcount/guest/main.go", "sdk/task", ""},
		{"examples/wordcount/guest/main.go", "examples/wordcount", ""},
		{"examples/wordcount/guest/main.go", "internal/blob", "anybody can write outside of this module"},
		{"internal/cli/demo.go", "examples/wordcount", ""},
		{"internal/cli/dev/dev.go", "internal/cli", ""},
		{"internal/cli/sim.go", "internal/lab/simgrid", ""},
		{"internal/lab/simgrid/play.go", "coordinator/placement", ""},
		{"sdk/connect.go", "internal/lab/simgrid", "lies above sdk"},
		{"internal/swarm/swarm.go", "internal/cli", "only main.go knows it"},
		{"worker/run.go", "internal/cli", "only main.go knows it"},
		{"main.go", "internal/cli", ""},
		{"main.go", "internal/lab/gridtest", "must not get into the binary"},
		{"internal/cli/demo.go", "internal/lab/guests", "import it in a _test.go file only"},
		{"internal/cli/demo_test.go", "internal/lab/guests", ""},
		{"internal/lab/gridtest/grid.go", "worker", ""},
		{"internal/lab/gridtest/grid.go", "internal/lab/localgrid", ""},
		{"reports/report.go", "jobs", "is in no layer"},
	} {
		path, foreign := strings.CutPrefix(test.imports, "!")
		if !foreign {
			path = modulePrefix + path
		}
		got := strings.Join(checkImports(made(t, test.path, "package x\nimport _ \""+path+"\"")), "\n")
		if test.want == "" && got != "" {
			t.Errorf("%s may import %s, but:\n%s", test.path, path, got)
		}
		if !strings.Contains(got, test.want) {
			t.Errorf("%s imports %s: got %q; want %q", test.path, path, got, test.want)
		}
		if got != "" && (!strings.Contains(got, test.path) || !strings.Contains(got, "why not: ") || !strings.Contains(got, "mend it: ")) {
			t.Errorf("a message without file, reason or remedy: %s", got)
		}
	}
}

func TestNames(t *testing.T) {
	files := made(t, "internal/utils/a.go", "package utils", "internal/utils/b.go", "package utils",
		"internal/x/a.go", "package helpers", "internal/swarm/a.go", "package swarm")
	got := strings.Join(checkNames(files), "\n")
	if strings.Count(got, "says nothing") != 2 || !strings.Contains(got, "internal/utils") || !strings.Contains(got, "internal/x") {
		t.Errorf("got %s", got)
	}
}

func TestComments(t *testing.T) {
	files := made(t,
		"internal/a/a.go", "package a", "internal/a/doc.go", "// Package a is documented.\npackage a",
		"internal/b/b.go", "// A copyright.\n\npackage b", "internal/b/b_test.go", "// Package b is not.\npackage b",
		"internal/c/c_test.go", "package c")
	got := checkComments(files)
	if len(got) != 1 || !strings.Contains(got[0], "internal/b/b.go") {
		t.Errorf("got %q; want a breach of internal/b alone", got)
	}
}

func TestPurity(t *testing.T) {
	for src, want := range map[string]string{
		`import "time"; var x = time.Now()`:                            "time.Now",
		`import clock "time"; func f() { clock.Sleep(1) }`:             "time.Sleep",
		`import "time"; const day = 24 * time.Hour`:                    "",
		`import "time"; func f(t time.Time) int64 { return t.Unix() }`: "",
		`type s struct{ trust float64 }`:                               "float64",
		`func f(x int) int { return int(float32(x)) }`:                 "float32",
		`const third = 0.33`:                                           "0.33",
		`func f() { go f() }`:                                          "a goroutine",
	} {
		got := strings.Join(checkPurity(made(t, "jobs/x.go", "package jobs; "+src)), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q; want %q", src, got, want)
		}
		if other := checkPurity(made(t, "worker/x.go", "package worker; "+src, "jobs/x_test.go", "package jobs; "+src)); len(other) > 0 {
			t.Errorf("%s: only jobs itself is pure, got %q", src, other)
		}
	}
}
