package pick

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/problem"
)

// tree makes files with the given paths under a directory whose name has wildcards;
// "a -> b" is a link, and "a/" a directory. Patterns begin in its directory job.
func tree(t *testing.T, paths ...string) (Config, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "we[ird] {x}")
	for _, path := range append(paths, "job/") {
		path, to, link := strings.Cut(path, " -> ")
		full := filepath.Join(dir, filepath.FromSlash(path))
		err := os.MkdirAll(filepath.Dir(full), 0o700)
		switch {
		case link:
			err = errors.Join(err, os.Symlink(to, full))
		case strings.HasSuffix(path, "/"):
			err = errors.Join(err, os.MkdirAll(full, 0o700))
		default:
			err = errors.Join(err, os.WriteFile(full, []byte(path), 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return Config{Resolve: func(p string) string { return filepath.Join(dir, "job", filepath.FromSlash(p)) }}, dir
}

// look is what Files gives, by paths from the directory job: files, and then notices.
func look(c Config, dir, patterns string) string {
	files, notices, err := c.Files(strings.Fields(patterns))
	if err != nil {
		return "error: " + strings.ReplaceAll(err.Error(), filepath.Join(dir, "job")+"/", "")
	}
	var b strings.Builder
	for _, file := range files {
		rel, _ := filepath.Rel(filepath.Join(dir, "job"), file)
		fmt.Fprintln(&b, filepath.ToSlash(rel))
	}
	for _, n := range notices {
		fmt.Fprintln(&b, n)
	}
	text := strings.NewReplacer(dir+"/job/", "", dir+"/job", "JOB", dir, "UP").Replace(b.String())
	return strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
}

type looks []struct{ patterns, want string }

func (l looks) check(t *testing.T, c Config, dir string) {
	t.Helper()
	for _, tt := range l {
		if got := look(c, dir, tt.patterns); got != tt.want {
			t.Errorf("%s:\ngot  %s\nwant %s", tt.patterns, got, tt.want)
		}
	}
}

func TestFiles(t *testing.T) {
	c, dir := tree(t, "job/b.txt", "job/a.txt", "job/sub/c.txt", "job/sub/deep/d.txt", "job/sub/e.md", "up.txt")
	looks{
		{"*.txt", "a.txt; b.txt"},
		{"**/*.txt", "a.txt; b.txt; sub/c.txt; sub/deep/d.txt"},
		{"sub/** *.txt", "a.txt; b.txt; sub/c.txt; sub/deep/d.txt; sub/e.md"},
		{"b.txt *.txt ./b.txt", "a.txt; b.txt"},
		{"../*.txt", "../up.txt"},
		{"../up.txt", "../up.txt"},
		{"sub/{c,e}.*", "sub/c.txt; sub/e.md"},
		{"{a,sub/{c,deep/d}}.txt", "a.txt; sub/c.txt; sub/deep/d.txt"},
		{"[!a].txt", "b.txt"},
		{"?.txt", "a.txt; b.txt"},
		{"**/**/d.txt", "sub/deep/d.txt"},
		{"**/deep/**", "sub/deep/d.txt"},
		{"./sub//./*.txt", "sub/c.txt"},
		{"sub/*", "sub/c.txt; sub/e.md; left out sub/deep: it is a directory: end a pattern in /** for the files in it"},
		{"sub/* sub/**", "sub/c.txt; sub/deep/d.txt; sub/e.md"},
	}.check(t, c, dir)
}

func TestNothingIsAnError(t *testing.T) {
	c, dir := tree(t, "job/sub/c.txt", "job/n[1]/x.txt", "job/lost -> nowhere", "job/bad/lost -> nowhere")
	for _, tt := range []struct{ pattern, want, next string }{
		{"*.csv", `no file matches "*.csv"`, "looked in " + filepath.Join(dir, "job")},
		{"nowhere/x.txt", `no file matches "nowhere/x.txt"`, "relative to the job file"},
		{"nowhere/*.txt", `no file matches "nowhere/*.txt"`, "relative to the job file"},
		{"sub/c.txt/*", `no file matches "sub/c.txt/*"`, ""},
		{"sub", `no file matches "sub"`, `"sub/**"`},
		{"sub/", `no file matches "sub/"`, `"sub/**"`},
		{"a[", `pattern "a[" is malformed`, "brackets"},
		{"n[1]/*.txt", `no file matches "n[1]/*.txt"`, `n[1] is there: put a backslash before what is no wildcard, as in "n\\[1\\]"`},
		{"lost", "lost: it is a link to nowhere, which is not there", "mend the link"},
		{"bad/*", `no file that can be taken matches "bad/*": left out `, ""},
		{"bad/**", "it is a link to nowhere, which is not there", ""},
		{strings.Repeat("{a,b}", 12), "stands for more than 1000", "several patterns"},
	} {
		_, _, err := c.Files([]string{tt.pattern})
		if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), tt.want) || problem.Next(err) == "" || !strings.Contains(problem.Next(err), tt.next) {
			t.Errorf("%s: got %v (%s)", tt.pattern, err, problem.Next(err))
		}
	}
}

func TestHiddenFilesAreForPatternsThatNameTheDot(t *testing.T) {
	c, dir := tree(t, "job/a", "job/.DS_Store", "job/.git/config", "job/.git/x/HEAD", "job/.git/.x", "job/d/.env", "job/d/.empty/", "job/d/b", "job/.l -> a")
	const left = "left out .DS_Store: it is hidden: a pattern that names its dot takes it; " +
		"left out .git: it is hidden, with 3 files: a pattern that names its dot takes them; left out .l: it is hidden: a pattern that names its dot takes it"
	looks{
		{"**", "a; d/b; " + left + "; left out d/.env: it is hidden: a pattern that names its dot takes it"},
		{"*", "a; " + strings.Replace(left, "left out .git: it is hidden, with 3 files: a pattern that names its dot takes them; ", "", 1) +
			"; left out d: it is a directory: end a pattern in /** for the files in it"},
		{"{**/config,a}", "a; left out .git: it is hidden, with 1 file: a pattern that names its dot takes them"},
		{".DS_Store", ".DS_Store"},
		{".git/*", ".git/config; left out .git/.x: it is hidden: a pattern that names its dot takes it; left out .git/x: it is a directory: end a pattern in /** for the files in it"},
		{".git/**", ".git/config; .git/x/HEAD; left out .git/.x: it is hidden: a pattern that names its dot takes it"},
		{".git/{*,.*} ", ".git/.x; .git/config; left out .git/x: it is a directory: end a pattern in /** for the files in it"},
		{".*/**/*D", ".git/x/HEAD"},
		{"d/.*", "d/.env; left out d/.empty: it is a directory: end a pattern in /** for the files in it"},
		{"d/[.]*  a", "error: no file that can be taken matches \"d/[.]*\": left out d/.env: it is hidden: a pattern that names its dot takes it"},
		{"** .*/** **/.*", ".DS_Store; .git/config; .git/x/HEAD; .l; a; d/.env; d/b; left out .git/.x: it is hidden: a pattern that names its dot takes it; left out d/.empty: it is a directory: end a pattern in /** for the files in it"},
	}.check(t, c, dir)
}

func TestLinks(t *testing.T) {
	c, dir := tree(t, "job/d/a", "job/d/real/b", "other/c", "secret", "job/d/in -> real/b", "job/d/twice -> in", "job/d/out -> ../../secret",
		"job/d/through -> out", "job/d/absolute -> /etc/hostname", "job/d/more -> ../../other", "job/d/lost -> nowhere", "job/d/self -> self", "job/d/up -> ..", "job/d/real/.h -> b",
		"job/alone -> ../secret", "job/within -> d/a", "job/dir -> d")
	const broken = "left out d/lost: it is a link to nowhere, which is not there; "
	looks{
		{"d/**", "d/a; d/in; d/real/b; d/twice; left out d/absolute: it is a link out of d, to /etc/hostname: those are followed with follow_links: true; " + broken +
			"left out d/more: it is a link to a directory, ../../other: those are followed with follow_links: true; " +
			"left out d/out: it is a link out of d, to UP/secret: those are followed with follow_links: true; " +
			"left out d/real/.h: it is hidden: a pattern that names its dot takes it; " +
			"left out d/self: it is a loop of links; left out d/through: it is a link out of d, to UP/secret: those are followed with follow_links: true; " +
			"left out d/up: it is a link to a directory, ..: those are followed with follow_links: true"},
		{"d/**/c d/a", "error: no file that can be taken matches \"d/**/c\": " + broken +
			"left out d/more: it is a link to a directory, ../../other: those are followed with follow_links: true; left out d/self: it is a loop of links; and 1 more"},
		{"alone", "alone; took alone: it is a link to UP/secret, and what is there goes to the grid"},
		{"within", "within"},
		{"dir/a", "dir/a"},
		{"dir/{a,out}", "dir/a; left out dir/out: it is a link out of dir, to UP/secret: those are followed with follow_links: true"},
	}.check(t, c, dir)
	c.Follow = true
	looks{
		{"d/{o,t,m}*", "d/out; d/through; d/twice; left out d/more: it is a link to a directory: end a pattern in /** for the files in it"},
		{"d/{m,r}*/**", "d/more/c; d/real/b; left out d/real/.h: it is hidden: a pattern that names its dot takes it"},
		{"d/up/within", "d/up/within"},
		{"alone", "alone"},
		{"d/**/[bc]", "d/more/c; d/real/b; " + broken + "left out d/self: it is a loop of links; " +
			"left out d/up/d: it is a loop of links: it leads back to a directory that it is in; left out d/up/dir: it is a loop of links: it leads back to a directory that it is in"},
	}.check(t, c, dir)
}

func TestWhatIsNoFileIsLeftOut(t *testing.T) {
	c, dir := tree(t, "job/d/a", "job/null -> /dev/null", "job/d/null -> /dev/null", "job/s/x -> ../d/socket")
	mkfifo(t, filepath.Join(dir, "job", "d", "pipe"))
	socket, err := net.Listen("unix", "/tmp/"+filepath.Base(t.TempDir())+"anthill-pick")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	if err := os.Rename(socket.Addr().String(), filepath.Join(dir, "job", "d", "socket")); err != nil {
		t.Fatal(err)
	}
	looks{
		{"d/**", "d/a; left out d/null: it is a link to a device; left out d/pipe: it is a FIFO; left out d/socket: it is a socket"},
		{"d/[ap]*", "d/a; left out d/pipe: it is a FIFO"},
		{"d/pipe", "error: d/pipe: it is a FIFO"},
		{"d/{pipe,a}", "d/a; left out d/pipe: it is a FIFO"},
		{"null", "error: null: it is a device"},
	}.check(t, c, dir)
}

func TestNamesWithWildcards(t *testing.T) {
	c, dir := tree(t, "job/a[1].txt", "job/b[1].txt", "job/b1.txt", "job/q?.txt", "job/q1.txt", "job/{x}", `job/back\slash`, "job/s*/y", "job/s1/y", "job/line\nbreak", "job/\xff\x1b")
	looks{
		{"a[1].txt", "a[1].txt"},
		{`a\[1\].txt`, "a[1].txt"},
		{`?\[1\].txt`, "a[1].txt; b[1].txt"},
		{`[ab][[]1].txt`, "a[1].txt; b[1].txt"},
		{"b[1].txt", `error: pattern "b[1].txt" is the name of a file, and matches b1.txt as well`},
		{"q?.txt", "q1.txt; q?.txt"},
		{"{x}", "{x}"},
		{`back\\slash`, `back\slash`},
		{`s\*/*`, "s*/y"},
	}.check(t, c, dir)
	files, notices, err := c.Files([]string{"*"})
	if err != nil || len(files) != 9 || len(notices) != 2 {
		t.Errorf("got %q, %v, %v", files, notices, err)
	}
}

func TestUnreadableDirectoriesAreRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("everything is readable for root")
	}
	c, dir := tree(t, "job/d/a", "job/d/no/b", "job/d/secret")
	for _, name := range []string{"no", "secret"} {
		if err := os.Chmod(filepath.Join(dir, "job", "d", name), 0); err != nil {
			t.Fatal(err)
		}
	}
	defer os.Chmod(filepath.Join(dir, "job", "d", "no"), 0o700)
	looks{
		{"d/**", `error: pattern "d/**": d/no: permission denied`},
		{"d/*", "d/a; d/secret; left out d/no: it is a directory: end a pattern in /** for the files in it"}, // reading it fails
		{"d/secret", "error: d/secret: permission denied"},
	}.check(t, c, dir)
}

func TestNoticesCanBePrinted(t *testing.T) {
	for path, want := range map[string]string{
		"a b/c": "left out a b/c: x", "é": "left out é: x", "a\nb": `left out "a\nb": x`, "\x1b[1m": `left out "\x1b[1m": x`, "\xff": `left out "\xff": x`, "\u202e": `left out "\u202e": x`,
	} {
		if got := (Notice{Path: path, LeftOut: true, Reason: "x"}).String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
