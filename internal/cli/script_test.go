package cli

import (
	"context"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/jobs"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"anthill": func() { os.Exit(Main("test")) }})
}

// TestScripts runs what needs no grid.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("ANTHILL_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("ANTHILL_GRID", "")
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, ".tmp"))
			env.Setenv("HOME", filepath.Join(env.WorkDir, ".home")) // for the cache, as the next
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, ".home", ".cache"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "unhex": unhex, "guest": guest, "deadgrid": deadGrid, "deadtoken": deadToken,
		},
	})
}

// exits CODE [ARG...] runs anthill and expects an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE [ARG...]")
	}
	err := ts.Exec("anthill", args[1:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// unhex FILE DIGITS writes bytes, which a txtar file cannot hold.
func unhex(ts *testscript.TestScript, _ bool, args []string) {
	data, err := hex.DecodeString(strings.Join(args[1:], ""))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o600))
}

// guest NAME FILE writes a module of package handmade.
func guest(ts *testscript.TestScript, _ bool, args []string) {
	modules := map[string]func() []byte{
		"echo": handmade.Echo, "grow": handmade.Grow, "loop": handmade.Loop, "trap": handmade.Trap,
		"exit": func() []byte { return handmade.Exit(3) },
		"log":  func() []byte { return handmade.Print(2, "what went\nwrong\x1b[1m\n") },
		"foreign": func() []byte {
			return handmade.Spec{Imports: []handmade.Import{{Module: "env", Name: "connect"}}, Pages: 1}.Encode()
		},
		"untyped": func() []byte { return handmade.Spec{Code: []byte{0x6a}, Pages: 1}.Encode() }, // i32.add of nothing
	}
	if len(args) != 2 || modules[args[0]] == nil {
		ts.Fatalf("usage: guest NAME FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), modules[args[0]](), 0o600))
}

// deadGrid NAME makes a context of a grid whose coordinators are gone.
func deadGrid(ts *testscript.TestScript, _ bool, args []string) {
	authority, err := identity.NewAuthority()
	ts.Check(err)
	key, err := identity.NewKey()
	ts.Check(err)
	der, err := authority.Issue(key.Public(), jobs.Submitter, nil)
	ts.Check(err)
	id, err := identity.New(key, der, authority.Certificate())
	ts.Check(err)
	dir := identity.Directory{Identity: id, Owner: "tester", Coordinators: []string{"127.0.0.1:1"}}
	ts.Check(dir.Save(filepath.Join(ts.Getenv("ANTHILL_HOME"), args[0])))
}

// deadToken VAR ROLE puts a token of a grid that is gone into a variable.
func deadToken(ts *testscript.TestScript, _ bool, args []string) {
	role, err := jobs.ParseRole(args[1])
	ts.Check(err)
	token, err := identity.NewToken([32]byte{1}, role, []string{"127.0.0.1:1"})
	ts.Check(err)
	ts.Setenv(args[0], token.String())
}

// anthill runs a command line in this process.
func anthill(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(ctx, "test", args, &out, &err)
	return code, out.String(), err.String()
}
