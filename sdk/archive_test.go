package sdk

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestADirectoryComesBackAsItWas(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"b.txt": "b", "a/deep/c.txt": "c", "a/run.sh": "#!", "empty/keep": ""} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chmod(filepath.Join(dir, "a/run.sh"), 0o755), os.Symlink("../b.txt", filepath.Join(dir, "a/link"))); err != nil {
		t.Skip(err)
	}
	pack := func() []byte {
		data, err := io.ReadAll(archive(dir))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	first := pack()
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "b.txt"), later, later); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, pack()) {
		t.Error("equal directories make different blobs")
	}
	out := filepath.Join(t.TempDir(), "out")
	if err := unpack(bytes.NewReader(first), out); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"b.txt": "b", "a/deep/c.txt": "c", "a/link": "b", "empty/keep": ""} {
		if got, err := os.ReadFile(filepath.Join(out, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if info, err := os.Stat(filepath.Join(out, "a/run.sh")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("a program lost its mode: %v, %v", info, err)
	}
}

func TestAnArchiveStaysInItsDirectory(t *testing.T) {
	for name, headers := range map[string][]tar.Header{
		"dots":             {{Typeflag: tar.TypeReg, Name: "../out.txt", Size: 1, Mode: 0o644}},
		"absolute":         {{Typeflag: tar.TypeReg, Name: "/tmp/out.txt", Size: 1, Mode: 0o644}},
		"a link out":       {{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "../.."}},
		"an absolute link": {{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "/etc/passwd"}},
		"a device":         {{Typeflag: tar.TypeChar, Name: "null", Devmajor: 1, Devminor: 3}},
		"a hard link":      {{Typeflag: tar.TypeLink, Name: "a", Linkname: "/etc/passwd"}},
		"twice":            {{Typeflag: tar.TypeReg, Name: "a", Size: 1}, {Typeflag: tar.TypeReg, Name: "a", Size: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			for _, h := range headers {
				if err := w.WriteHeader(&h); err != nil {
					t.Fatal(err)
				}
				if h.Size > 0 {
					w.Write([]byte("x"))
				}
			}
			w.Close()
			parent := t.TempDir()
			if err := unpack(&b, filepath.Join(parent, "dir")); err == nil {
				t.Error("it was unpacked")
			}
			if _, err := os.Lstat(filepath.Join(parent, "out.txt")); err == nil {
				t.Error("it left its directory")
			}
		})
	}
	if err := unpack(strings.NewReader(strings.Repeat("no tar ", 200)), filepath.Join(t.TempDir(), "dir")); !errors.Is(err, errNotArchive) {
		t.Errorf("a file is taken for an archive: %v", err)
	}
}
