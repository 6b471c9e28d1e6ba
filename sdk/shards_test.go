package sdk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// cut reads a stream to its end and cuts it where the tasks begin.
func cut(t rapid.TB, s shards, stream io.Reader) []string {
	data, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	offsets := s.offsets()
	if offsets[0] != 0 || offsets[len(offsets)-1] != uint64(len(data)) {
		t.Fatalf("offsets %v do not span %d bytes", offsets, len(data))
	}
	var tasks []string
	for i := range len(offsets) - 1 {
		tasks = append(tasks, string(data[offsets[i]:offsets[i+1]]))
	}
	return tasks
}

// odd reads in pieces that fall in awkward places.
func odd(r io.Reader, how int) io.Reader {
	switch how {
	case 0:
		return iotest.OneByteReader(r)
	case 1:
		return iotest.DataErrReader(r)
	}
	return r
}

func TestLinesProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{"a", "bcd", "\n", "\n", "\r"})).Draw(t, "text"), "")
		lines := rapid.Int64Range(1, 4).Draw(t, "lines")
		s := &lineSplitter{in: strings.NewReader(text), lines: lines}
		tasks := cutLines(t, s, odd(s, rapid.IntRange(0, 2).Draw(t, "reader")))
		if strings.Join(tasks, "") != text {
			t.Fatalf("tasks %q do not make %q", tasks, text)
		}
		for i, task := range tasks {
			n := int64(strings.Count(task, "\n"))
			last := i == len(tasks)-1
			if task == "" || !last && (n != lines || !strings.HasSuffix(task, "\n")) || last && n > lines {
				t.Fatalf("task %d of %q is %q, want %d lines", i, text, task, lines)
			}
		}
	})
}

// cutLines is cut, for which an empty input has no first offset.
func cutLines(t rapid.TB, s *lineSplitter, stream io.Reader) []string {
	tasks := []string{}
	data, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	offsets := s.offsets()
	for i := range len(offsets) - 1 {
		tasks = append(tasks, string(data[offsets[i]:offsets[i+1]]))
	}
	return tasks
}

func TestPackProperty(t *testing.T) {
	root := t.TempDir()
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		dir := filepath.Join(root, fmt.Sprint(round))
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		contents := rapid.SliceOfN(rapid.StringOfN(rapid.RuneFrom([]rune("ab\n")), 0, 12, -1), 1, 12).Draw(t, "files")
		limit := rapid.Int64Range(1, 20).Draw(t, "limit")
		p := &packer{paths: writeFiles(t, dir, contents), limit: limit}
		tasks := cut(t, p, odd(p, rapid.IntRange(0, 2).Draw(t, "reader")))
		checkPacked(t, contents, tasks, limit)
	})
}

func writeFiles(t rapid.TB, dir string, contents []string) []string {
	var paths []string
	for i, content := range contents {
		path := filepath.Join(dir, fmt.Sprintf("%03d", i))
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// checkPacked packs again in the dumbest way.
func checkPacked(t rapid.TB, contents, tasks []string, limit int64) {
	want := []string{""}
	for _, content := range contents {
		if content != "" && !strings.HasSuffix(content, "\n") {
			content += "\n"
		}
		last := len(want) - 1
		if want[last] != "" && int64(len(want[last])+len(content)) > limit {
			want = append(want, "")
			last++
		}
		want[last] += content
	}
	if fmt.Sprintf("%q", tasks) != fmt.Sprintf("%q", want) {
		t.Fatalf("files %q packed to %d are %q, want %q", contents, limit, tasks, want)
	}
}

func TestFilesWithoutPackAreOneTaskEachUnchanged(t *testing.T) {
	contents := []string{"no line end", "", "one\ntwo\n", ""}
	p := &packer{paths: writeFiles(t, t.TempDir(), contents)}
	if got := cut(t, p, p); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", contents) {
		t.Errorf("got %q, want %q", got, contents)
	}
}

func TestPackerNamesTheFileThatItCannotRead(t *testing.T) {
	p := &packer{paths: []string{filepath.Join(t.TempDir(), "gone")}}
	_, err := io.ReadAll(p)
	if err == nil || !strings.Contains(err.Error(), "gone: no such file") {
		t.Errorf("got %v", err)
	}
}

func TestItemsAreLines(t *testing.T) {
	list, err := newItemList([]any{"plain", 7, map[string]any{"b": 1, "a": []int{2}}, true, nil})
	if err != nil {
		t.Fatal(err)
	}
	got := cut(t, list, list)
	want := []string{"plain\n", "7\n", `{"a":[2],"b":1}` + "\n", "true\n", "null\n"}
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestIndexIsBigEndian(t *testing.T) {
	index := encodeIndex([]uint64{0, 258})
	if !bytes.Equal(index, []byte{15: 2, 14: 1}) || binary.BigEndian.Uint64(index[8:]) != 258 {
		t.Errorf("got % x", index)
	}
}
