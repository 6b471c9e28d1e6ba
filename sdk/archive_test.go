package sdk

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
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
		"a link through links": {
			{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "."},
			{Typeflag: tar.TypeSymlink, Name: "a/a/a/l", Linkname: "../../secret"},
		},
		"twice": {{Typeflag: tar.TypeReg, Name: "a", Size: 1}, {Typeflag: tar.TypeReg, Name: "a", Size: 1}},
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

// TestASparseArchiveIsRefused: three kilobytes that claim to be a gigabyte.
func TestASparseArchiveIsRefused(t *testing.T) {
	var records string
	for _, r := range []string{"GNU.sparse.major=1", "GNU.sparse.minor=0", "GNU.sparse.name=big", "GNU.sparse.realsize=1073741824"} {
		size := len(r) + 3 // a space, a line end, and the digits of the size
		for len(fmt.Sprint(size))+len(r)+2 > size {
			size++
		}
		records += fmt.Sprintf("%d %s\n", size, r)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	add := func(kind byte, name, content string) {
		h := &tar.Header{Typeflag: kind, Name: name, Size: int64(len(content)), Mode: 0o644, Format: tar.FormatUSTAR}
		if kind == tar.TypeXHeader {
			h.Typeflag = tar.TypeReg // the writer makes no extended headers by hand
		}
		if err := errors.Join(w.WriteHeader(h), func() error { _, err := io.WriteString(w, content); return err }(), w.Flush()); err != nil {
			t.Fatal(err)
		}
	}
	add(tar.TypeXHeader, "pax", records)
	add(tar.TypeReg, "big", "0\n"+strings.Repeat("\x00", 510))
	w.Close()
	raw := b.Bytes()
	setType(raw[:512], tar.TypeXHeader)
	dir := filepath.Join(t.TempDir(), "dir")
	if err := unpack(bytes.NewReader(raw), dir); err == nil || !strings.Contains(err.Error(), "sparse") {
		t.Errorf("got %v", err)
	}
}

// setType changes the kind of a header block, and its checksum with it.
func setType(block []byte, kind byte) {
	block[156] = kind
	copy(block[148:156], "        ")
	sum := 0
	for _, c := range block {
		sum += int(c)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

// TestArchivesAreBoundedInEntries: a few bytes more make a directory, or many.
func TestArchivesAreBoundedInEntries(t *testing.T) {
	for name, test := range map[string]struct {
		entries []string
		fits    bool
	}{
		"few":      {[]string{"a/b/c/d/e", "a/b/c/d/f"}, true},
		"deep":     {[]string{strings.Repeat("d/", maxDepth+2)}, false},
		"many":     {strings.Fields(strings.Repeat("x ", 11)), false},
		"parents":  {[]string{"a/b/c/d/e", "b/b/c/d/e", "c/b/c/d/e"}, false},
		"ten":      {[]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, true},
		"in a row": {[]string{"a/b", "a/c", "a/d", "a/e", "a/f"}, true},
	} {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for i, entry := range test.entries {
			if name == "many" {
				entry = fmt.Sprint(i)
			}
			if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimSuffix(entry, "/"), Format: tar.FormatPAX}); err != nil {
				t.Fatal(err)
			}
		}
		w.Close()
		err := unpackAtMost(&b, filepath.Join(t.TempDir(), "dir"), 10)
		if test.fits && err != nil || !test.fits && !errors.Is(err, errEntries) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
