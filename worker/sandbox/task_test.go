package sandbox

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestRunRefusesABadTask(t *testing.T) {
	cases := []struct {
		want  string
		spoil func(*Task)
	}{
		{"module id", func(t *Task) { t.ModuleID = "../../etc" }},
		{"module id", func(t *Task) { t.ModuleID = "" }},
		{"module id", func(t *Task) { t.ModuleID = "abcd" }},
		{"time limit", func(t *Task) { t.Time = 0 }},
		{"output limit", func(t *Task) { t.Output = -1 }},
		{"output limit", func(t *Task) { t.Output = 3 << 30 }},
		{"fuel limit", func(t *Task) { t.Fuel = -1 }},
		{"memory limit", func(t *Task) { t.Memory = pageSize - 1 }},
		{"memory limit", func(t *Task) { t.Memory = maxMemory + 1 }},
		{"input section", func(t *Task) { t.StdinFile = Section{Path: "x", Offset: -1} }},
		{"argument", func(t *Task) { t.Args = []string{"a\x00b"} }},
		{"argument", func(t *Task) { t.Args = []string{"\xff"} }},
		{"environment", func(t *Task) { t.Env = []string{"NOVALUE"} }},
		{"environment", func(t *Task) { t.Env = []string{"=x"} }},
		{"environment", func(t *Task) { t.Env = []string{"A=\x00"} }},
		{"data file", func(t *Task) { t.Data = map[string]string{"../a": "x"} }},
		{"data file", func(t *Task) { t.Data = map[string]string{"a/b": "x"} }},
		{"data file", func(t *Task) { t.Data = map[string]string{`a\b`: "x"} }},
		{"data file", func(t *Task) { t.Data = map[string]string{".": "x"} }},
		{"data file", func(t *Task) { t.Data = map[string]string{"": "x"} }},
		{"too many", func(t *Task) { t.Args = []string{strings.Repeat("x", maxHeader)} }},
	}
	s := newSlot(t)
	for _, c := range cases {
		task := Task{Module: "m.wasm", ModuleID: strings.Repeat("ab", 32), Time: time.Second, Memory: pageSize}
		c.spoil(&task)
		if _, err := s.Run(context.Background(), task); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Run = %v, want an error with %q", err, c.want)
		}
	}
}

func TestWithinFuel(t *testing.T) {
	for _, test := range []struct {
		used   uint64
		limit  int64
		status Status
		fuel   uint64
	}{
		{0, 0, Exited, 0}, {1 << 63, 0, Exited, 1 << 63}, {99, 100, Exited, 99}, {100, 100, Exited, 100}, {101, 100, OutOfFuel, 100}, {1 << 63, 1, OutOfFuel, 1},
	} {
		r := report{Status: Exited, Fuel: test.used}.within(test.limit)
		if r.Status != test.status || r.Fuel != test.fuel || (r.Reason != "") != (r.Status == OutOfFuel) {
			t.Errorf("%d used of %d: %+v", test.used, test.limit, r)
		}
	}
}

func TestStatusesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for s := Exited; s <= Killed; s++ {
		if name := s.String(); seen[name] || strings.HasPrefix(name, "status") {
			t.Errorf("status %d is called %q", int(s), name)
		} else {
			seen[name] = true
		}
	}
}
