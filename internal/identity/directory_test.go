package identity

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

func sampleDirectory(t *testing.T, role jobs.Role) *Directory {
	t.Helper()
	a := newAuthority(t)
	d := &Directory{
		Identity:     enrol(t, a, role),
		Owner:        "alice",
		Coordinators: []string{"192.0.2.7:7600", "192.0.2.8:7600"},
	}
	if role == jobs.Coordinator {
		d.Authorities = NewAuthorities(a)
	}
	return d
}

func TestDirectoryRoundTrip(t *testing.T) {
	for role, secrets := range map[jobs.Role][]string{
		jobs.Coordinator: {caKeyFile},
		jobs.Worker:      nil,
		jobs.Submitter:   nil,
	} {
		dir := filepath.Join(t.TempDir(), "grid")
		saved := sampleDirectory(t, role)
		if err := saved.Save(dir); err != nil {
			t.Fatal(err)
		}
		got, err := Load(dir)
		if err != nil {
			t.Fatalf("%s: %v", role, err)
		}
		if got.Identity.Peer() != saved.Identity.Peer() || got.Identity.Grid != saved.Identity.Grid {
			t.Errorf("%s: loaded %v of grid %s", role, got.Identity.Peer(), got.Identity.Grid)
		}
		if got.Owner != saved.Owner || !slices.Equal(got.Coordinators, saved.Coordinators) {
			t.Errorf("%s: loaded %+v, want %+v", role, got, saved)
		}
		if (got.Authorities == nil) != (saved.Authorities == nil) {
			t.Errorf("%s: authority loaded: %t", role, got.Authorities != nil)
		}
		checkFiles(t, dir, append(secrets, keyFile, certFile, caFile, gridFile))
	}
}

func checkFiles(t *testing.T, dir string, want []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
		checkMode(t, filepath.Join(dir, entry.Name()), 0o600)
	}
	checkMode(t, dir, 0o700)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
}

func checkMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != want {
		t.Errorf("%s has mode %#o, want %#o", path, info.Mode().Perm(), want)
	}
}

func TestDirectoryIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := sampleDirectory(t, jobs.Coordinator).Save(dir); err != nil {
		t.Fatal(err)
	}
	want := sampleDirectory(t, jobs.Submitter)
	if err := want.Save(dir); err != nil {
		t.Fatal(err)
	}
	got, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.Identity.Node() != want.Identity.Node() || got.Authorities != nil {
		t.Errorf("loaded %+v: secrets of the old identity are there", got)
	}
}

func TestLoadRefusals(t *testing.T) {
	if _, err := Load(t.TempDir()); !errors.Is(err, ErrNoIdentity) {
		t.Errorf("empty directory: %v, want ErrNoIdentity", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, ErrNoIdentity) {
		t.Errorf("no directory: %v, want ErrNoIdentity", err)
	}
	stranger := sampleDirectory(t, jobs.Coordinator)
	for name, damage := range map[string]struct {
		do   func(dir string) error
		want string
	}{
		"key of another": {func(dir string) error { return stranger.Identity.Key.Save(filepath.Join(dir, keyFile)) }, "the certificate is that of node"},
		"key is gone":    {func(dir string) error { return os.Remove(filepath.Join(dir, keyFile)) }, keyFile},
		"CA of another": {func(dir string) error {
			return writePEM(filepath.Join(dir, caFile), pemCertificate, stranger.Identity.Newest().Raw)
		}, "unknown authority"},
		"CA key of another": {func(dir string) error { return (&Directory{Authorities: stranger.Authorities}).saveSecrets(dir) }, "the key is not that of grid"},
		"not PEM":           {func(dir string) error { return writeFile(filepath.Join(dir, certFile), []byte("x")) }, "no PEM block of type CERTIFICATE"},
		"not JSON":          {func(dir string) error { return writeFile(filepath.Join(dir, gridFile), []byte("{")) }, gridFile},
		"role was edited": {func(dir string) error {
			return writeFile(filepath.Join(dir, gridFile), []byte(`{"grid":"x","role":"operator"}`))
		}, "says operator of grid x"},
	} {
		dir := t.TempDir()
		if err := sampleDirectory(t, jobs.Coordinator).Save(dir); err != nil {
			t.Fatal(err)
		}
		if err := damage.do(dir); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			_, err := Load(dir)
			wantError(t, err, damage.want)
			if errors.Is(err, ErrNoIdentity) {
				t.Error("a damaged identity passes for none")
			}
		})
	}
}

func TestSecretsMustBeSecret(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("windows has no mode bits")
	}
	for _, file := range []string{keyFile, caKeyFile} {
		dir := t.TempDir()
		if err := sampleDirectory(t, jobs.Coordinator).Save(dir); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, file), 0o640); err != nil {
			t.Fatal(err)
		}
		_, err := Load(dir)
		wantError(t, err, file+": mode 0640")
	}
}

func TestOpenKeyKeepsTheKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first, err := OpenKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := OpenKey(dir)
	if err != nil || first.Node() != second.Node() {
		t.Errorf("opened node %s, then %s, %v", first.Node(), second.Node(), err)
	}
	if len(first.Node()) != 32 {
		t.Errorf("node id %q: want 32 digits", first.Node())
	}
	checkMode(t, filepath.Join(dir, keyFile), 0o600)
	if err := writeFile(filepath.Join(dir, keyFile), []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKey(dir); err == nil {
		t.Error("a damaged key was replaced")
	}
}

func TestLoadRemovesWhatAKilledSaveLeft(t *testing.T) {
	d, dir := sampleDirectory(t, jobs.Worker), t.TempDir()
	if err := d.Save(dir); err != nil {
		t.Fatal(err)
	}
	old, young, foreign := filepath.Join(dir, "key.pem.1.tmp"), filepath.Join(dir, "key.pem.2.tmp"), filepath.Join(dir, "other.1.tmp")
	for _, path := range []string{old, young, foreign} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	long := time.Now().Add(-2 * tempAge)
	for _, path := range []string{old, foreign} {
		if err := os.Chtimes(path, long, long); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(dir); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.tmp"))
	if err != nil || !slices.Equal(left, []string{young, foreign}) {
		t.Errorf("left are %v, %v", left, err)
	}
}
