// Package examples has the test of the examples that are not in Go.
package examples

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/guests"
)

func TestTasksInOtherLanguages(t *testing.T) {
	tests := []struct{ target, module, want string }{
		{"example-c-linecount", "linecount.wasm", "2 6 16\n"},
		{"example-rust-bytecount", "bytecount.wasm", "0 1\n9 1\n10 2\n32 3\n97 5\n98 3\n255 1\n"},
	}
	for _, tt := range tests {
		t.Run(tt.target, func(t *testing.T) {
			dir := t.TempDir()
			said, err := exec.Command("make", "-s", "-C", "..", tt.target, "OUT="+dir).CombinedOutput()
			if err != nil && exec.Command("make", "--version").Run() != nil {
				t.Skip("no make")
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			if strings.Contains(string(said), "make examples: no ") {
				t.Skip(string(said))
			}
			got, err := guests.Load(t, filepath.Join(dir, tt.module)).Run(strings.NewReader("aa b\n\naa\tb a \x00\xffb"))
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}
