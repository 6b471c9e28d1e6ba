package archtest

import (
	"strings"
	"testing"
)

func TestCircles(t *testing.T) {
	prefix := "import _ \"" + modulePrefix
	pkg := func(name, imports string) string { return "package " + name + "\n" + prefix + imports + "\"" }
	for name, test := range map[string]struct {
		files []file
		want  string // in the message; "" if there is no breach
	}{
		"down into its own parts": {made(t, "worker/a.go", pkg("worker", "worker/executor"), "worker/executor/a.go", "package executor"), ""},
		"up to the whole": {made(t, "worker/a.go", "package worker", "worker/executor/a.go", pkg("executor", "worker")),
			"imports worker, which is above it"},
		"up from a command": {made(t, "examples/x/a.go", "package x", "examples/x/draw/main.go", pkg("main", "examples/x")), ""},
		"up from a test":    {made(t, "worker/a.go", "package worker", "worker/executor/a_test.go", pkg("executor", "worker")), ""},
		"beside each other": {made(t, "internal/a/a.go", pkg("a", "internal/b"), "internal/b/b.go", "package b"), ""},
		"round by way of what is below": {made(t,
			"internal/a/a.go", pkg("a", "internal/b"), "internal/b/b.go", "package b",
			"internal/b/c/c.go", pkg("c", "internal/a")),
			"internal/a imports internal/b in internal/a/a.go; internal/b imports internal/a in internal/b/c/c.go"},
		"round within a folder": {made(t,
			"worker/a.go", "package worker", "worker/x/x.go", "package x", "worker/y/y.go", "package y",
			"worker/x/deep/x.go", pkg("deep", "worker/y"), "worker/y/deep/y.go", pkg("deep", "worker/x")),
			"worker/x imports worker/y"},
		"through a folder that only groups": {made(t,
			"internal/lab/a/a.go", pkg("a", "jobs"), "jobs/a.go", pkg("jobs", "internal/blob"), "internal/blob/a.go", "package blob"), ""},
	} {
		got := strings.Join(checkCircles(test.files), "\n")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q; want %q", name, got, test.want)
		}
	}
}
