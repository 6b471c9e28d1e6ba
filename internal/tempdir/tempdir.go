// Package tempdir makes directories that are needed only while a command runs, and says
// which setting is wrong where that cannot be.
package tempdir

import (
	"errors"
	"io/fs"
	"os"
	"runtime"

	"github.com/anthill-grid/anthill/internal/problem"
)

// Prefix is what the names of all these directories begin with.
const Prefix = "anthill-"

// Make makes a new directory for a purpose where the user, or else the system, wants
// temporary files.
func Make(purpose string) (string, error) {
	dir, err := In(os.TempDir(), purpose)
	if err != nil {
		return "", explain(err)
	}
	return dir, nil
}

// In makes a new directory for a purpose in another place.
func In(root, purpose string) (string, error) {
	return os.MkdirTemp(root, Prefix+purpose+"-")
}

// explain names the variable that says where temporary files go.
func explain(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		err = path.Err // the directory that was not made says nothing
	}
	name := variable()
	if value := os.Getenv(name); value != "" {
		return problem.Invalid("set "+name+" to a directory that can be written, or unset it",
			"make temporary directory: %s is %s: %w", name, value, err)
	}
	return problem.Invalid("set "+name+" to a directory that can be written",
		"make temporary directory in %s: %w", os.TempDir(), err)
}

// variable is what os.TempDir asks first.
func variable() string {
	if runtime.GOOS == "windows" {
		return "TMP"
	}
	return "TMPDIR"
}
