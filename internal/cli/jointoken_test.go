package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestWhereATokenComesFrom(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("\n from-file \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(tokenVariable, "from-environment")
	for name, test := range map[string]struct {
		given       joinToken
		stdin, want string
	}{
		"the command line": {joinToken{token: "from-line"}, "", "from-line"},
		"standard input":   {joinToken{token: "-"}, "from-input\nmore\n", "from-input"},
		"without newline":  {joinToken{token: "-"}, "from-input", "from-input"},
		"a file":           {joinToken{file: file}, "", "from-file"},
		"the environment":  {joinToken{}, "", "from-environment"},
	} {
		if got, err := test.given.read(strings.NewReader(test.stdin)); got != test.want || err != nil {
			t.Errorf("%s: %q, %v; want %q", name, got, err, test.want)
		}
	}
	t.Setenv(tokenVariable, "")
	if got, err := (&joinToken{}).read(strings.NewReader("")); got != "" || err != nil {
		t.Errorf("from nowhere: %q, %v", got, err)
	}
	for name, given := range map[string]joinToken{
		"--join -: there is no token": {token: "-"},
		"no such file":                {file: filepath.Join(t.TempDir(), "none")},
		"there is no token":           {file: os.DevNull},
	} {
		if _, err := given.read(strings.NewReader(" \n\n")); exitCode(err) != exitUsage || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want one with %q and exit code 2", err, name)
		}
	}
}

func TestATokenDoesNotStayOnTheCommandLine(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system does not show it to everybody")
	}
	args := os.Args
	t.Cleanup(func() { os.Args = args })
	os.Args = []string{"anthill", "worker", strings.Clone("--join"), strings.Clone("secret"), strings.Clone("--join=secret"), strings.Clone("other")}
	given := joinToken{token: os.Args[3]}
	token, err := given.read(strings.NewReader(""))
	if err != nil || token != "secret" {
		t.Errorf("%q, %v", token, err)
	}
	if got := strings.Join(os.Args, " "); got != "anthill worker --join ****** --join=****** other" {
		t.Errorf("the command line is %q", got)
	}
}
