package install

import (
	"fmt"
	"os/exec"
	"strings"
)

// makeUser takes the first free number of those that macOS has for services.
func (w Worker) makeUser() error {
	path := "/Users/" + w.User
	if exec.Command("dscl", ".", "-read", path).Run() == nil {
		return nil
	}
	out, err := exec.Command("dscl", ".", "-list", "/Users", "UniqueID").Output()
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 1 {
			taken[f[len(f)-1]] = true
		}
	}
	id := 400
	for taken[fmt.Sprint(id)] {
		id++
	}
	for _, field := range [][]string{nil, {"UserShell", "/usr/bin/false"}, {"UniqueID", fmt.Sprint(id)}, {"PrimaryGroupID", "20"}, {"NFSHomeDirectory", "/var/empty"}, {"IsHidden", "1"}} {
		if err := run("dscl", append([]string{".", "-create", path}, field...)...); err != nil {
			return err
		}
	}
	return nil
}

func (w Worker) removeUser() error {
	path := "/Users/" + w.User
	if exec.Command("dscl", ".", "-read", path).Run() != nil {
		return nil
	}
	return run("dscl", ".", "-delete", path)
}

func (w Worker) giveDir() error { return giveTo(w.Dir, w.User) }
