package sdk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/problem"
)

// TestAStrangersJobFileSendsNothingOfYours: neither by a path nor by a link does a job file
// reach what lies outside of its directory, such as a key; unless one says so.
func TestAStrangersJobFileSendsNothingOfYours(t *testing.T) {
	home := t.TempDir()
	key := filepath.Join(home, ".ssh", "id_ed25519")
	dir := filepath.Join(home, "Downloads", "job")
	if err := errors.Join(os.MkdirAll(filepath.Dir(key), 0o700), os.MkdirAll(filepath.Join(dir, "pkg"), 0o700), os.WriteFile(key, []byte("PRIVATE\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "t.wasm"), tinyModule, 0o600), os.WriteFile(filepath.Join(dir, "in.txt"), []byte("x\n"), 0o600),
		os.WriteFile(filepath.Join(dir, "s.py"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(key, filepath.Join(dir, "notes.txt")), os.Symlink(filepath.Dir(key), filepath.Join(dir, "more")),
		os.Symlink(key, filepath.Join(dir, "pkg", "a.py"))); err != nil {
		t.Skip(err)
	}
	const items = "input: {items: [1]}\n"
	for text, field := range map[string]string{
		"input: {files: ['../../.ssh/*']}":                                           "input.files",
		"input: {files: [" + key + "]}":                                              "input.files",
		"input: {files: [notes.txt]}":                                                "input.files",
		"input: {files: ['*.txt'], follow_links: true}":                              "input.files",
		"input: {files: ['more/*'], follow_links: true}":                             "input.files",
		"input: {split: {file: notes.txt, lines: 1}}":                                "input.split.file",
		"input: {split: {file: ../../.ssh/id_ed25519, size: 8}}":                     "input.split.file",
		items + "data: {k: " + key + "}":                                             "data.k",
		items + "data: {k: more/id_ed25519}":                                         "data.k",
		items + "runtime: python\nscript: notes.txt":                                 "script",
		items + "runtime: python\nscript: s.py\nmodules: [../../.ssh/id_ed25519.py]": "modules",
		items + "runtime: python\nscript: s.py\nmodules: [pkg]":                      "modules",
	} {
		file, err := ParseJobFile(filepath.Join(dir, "job.yaml"), []byte(head+text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if p, err := Prepare(t.Context(), file); err == nil || !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("%s: it is sent: %v", text, err)
			if p != nil {
				p.Close()
			}
		} else if strings.Contains(text, ".py]") {
			continue // it is not there at all
		} else if !strings.Contains(err.Error(), field+": ") || !strings.Contains(err.Error(), "outside of the job file's directory") ||
			!strings.Contains(problem.Next(err), "--allow-outside") {
			t.Errorf("%s: %v (%s)", text, err, problem.Next(err))
		}
		if strings.Contains(text, "runtime") {
			continue
		}
		file.AllowOutside = true
		if p, err := Prepare(t.Context(), file); err != nil {
			t.Errorf("%s: allowed, and %v", text, err)
		} else {
			p.Close()
		}
	}
}
