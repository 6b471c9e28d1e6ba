package walls

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// attack is what a guest might try that has broken out of the engine.
type attack struct {
	Name string
	Wall string // that stops it
	Got  string // its error; empty if it worked
}

// walledMain puts up the walls and runs against them.
func walledMain(cacheDir, readable string) error {
	walls := Raise(Config{Writable: cacheDir, Readable: []string{readable}, CPU: time.Minute, Space: 4 << 30})
	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(walls); err != nil {
		return err
	}
	for _, try := range []func(string, string) []attack{attackFiles, attackProcesses, attackMemory, attackCalls, attackLimits} {
		for _, a := range try(cacheDir, readable) {
			if err := encoder.Encode(a); err != nil {
				return err
			}
		}
	}
	return nil
}

func attempt(wall, name string, err error) attack {
	a := attack{Name: name, Wall: wall}
	if err != nil {
		a.Got = err.Error()
	}
	return a
}

// TestTheWallsHold lets a process attack the machine from inside the walls.
func TestTheWallsHold(t *testing.T) {
	dir := t.TempDir()
	cacheDir, readable := filepath.Join(dir, "cache"), filepath.Join(dir, "readable")
	for _, path := range []string{cacheDir, readable} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secret, blob := filepath.Join(dir, "secret"), filepath.Join(readable, "blob")
	for _, path := range []string{secret, blob, filepath.Join(cacheDir, "own")} {
		if err := os.WriteFile(path, []byte("whole"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(readable, "link")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "walled", cacheDir, readable)
	cmd.Stderr = os.Stderr
	// A group of its own, as a child has: the lowest priority is the group's.
	Isolate(cmd)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the attacker ended: %v\n%s", err, out)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	var walls State
	if err := decoder.Decode(&walls); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; decoder.More(); n++ {
		var a attack
		if err := decoder.Decode(&a); err != nil {
			t.Fatal(err)
		}
		t.Run(a.Name, func(t *testing.T) {
			for _, m := range walls.Missing {
				if m.Name == a.Wall {
					t.Skipf("no %s here: %s", m.Name, m.Why)
				}
			}
			if a.Got == "" {
				t.Errorf("it worked, or met the kernel: %s did not stop it", a.Wall)
			}
		})
	}
	if n < 78 {
		t.Errorf("%d attacks", n)
	}
	for _, path := range []string{secret, blob} {
		if content, err := os.ReadFile(path); err != nil || string(content) != "whole" {
			t.Errorf("%s is now %q, %v", path, content, err)
		}
	}
}
