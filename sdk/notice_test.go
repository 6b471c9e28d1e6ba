package sdk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
)

// TestNoticesOfWhatIsNoInput also asks whether the rest is what the tasks read.
func TestNoticesOfWhatIsNoInput(t *testing.T) {
	dir := jobDir(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := errors.Join(os.WriteFile(secret, []byte("s"), 0o600), os.Symlink(secret, filepath.Join(dir, "out.txt")),
		os.Symlink("nowhere", filepath.Join(dir, "lost.txt")), os.WriteFile(filepath.Join(dir, ".h.txt"), nil, 0o600)); err != nil {
		t.Skip(err)
	}
	const lost, hidden = "left out DIR/lost.txt: it is a link to nowhere, which is not there", "left out DIR/.h.txt: it is hidden: a pattern that names its dot takes it"
	for job, want := range map[string]string{
		"input: {files: ['*.txt']}":                                       hidden + "; " + lost + "; left out DIR/out.txt: it is a link out of DIR, to SECRET: those are followed with follow_links: true; one\ntwo|three\n",
		"input: {files: ['*.txt'], pack: 1KiB, follow_links: true}":       hidden + "; " + lost + "; one\ntwo\nthree\ns\n",
		"input: {files: [a.txt, out.txt]}":                                "took DIR/out.txt: it is a link to SECRET, and what is there goes to the grid; one\ntwo|s",
		"input: {split: {file: out.txt, lines: 1}}\ndata: {x: out.txt}":   "took DIR/out.txt: it is a link to SECRET, and what is there goes to the grid; s",
		"input: {files: [.h.txt, '*.txt']}\ndata: {x: a.txt, y: ./b.txt}": lost + "; left out DIR/out.txt: it is a link out of DIR, to SECRET: those are followed with follow_links: true; |one\ntwo|three\n",
	} {
		p, err := prepareText(t, dir, head+job)
		if err != nil {
			t.Errorf("%s: %v", job, err)
			continue
		}
		got := ""
		for _, n := range p.Notices() {
			got += n.String() + "; "
		}
		for i := range p.Tasks() {
			shard, err := p.Shard(i)
			if err != nil {
				t.Fatal(err)
			}
			got += string(shard) + "|"
		}
		if got = strings.NewReplacer(dir, "DIR", secret, "SECRET").Replace(strings.TrimSuffix(got, "|")); got != want {
			t.Errorf("%s:\ngot  %q\nwant %q", job, got, want)
		}
	}
}

func TestAJobHasNotices(t *testing.T) {
	grid := connect(t, fakegrid.Start(t, 1), time.Second)
	dir := jobDir(t)
	if err := os.WriteFile(filepath.Join(dir, ".h"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := ParseJobFile(filepath.Join(dir, "job.yaml"), []byte(head+"input: {files: ['*']}"))
	if err != nil {
		t.Fatal(err)
	}
	job, err := grid.Submit(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	if n := job.Notices(); len(n) != 1 || !n[0].LeftOut || n[0].Path != filepath.Join(dir, ".h") {
		t.Errorf("got %v", n)
	}
}
