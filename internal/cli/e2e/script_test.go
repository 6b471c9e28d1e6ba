package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// testScripts runs testdata/script/*.txtar. In them "anthill" is the binary,
// used as the operator.
func testScripts(t *testing.T, grid *gridtest.Grid) {
	goModule := guests.Module(t, goGuest)
	modules := map[string][]byte{
		"go":        goModule,
		"echo":      handmade.Echo(),
		"loop":      handmade.Loop(),
		"flood":     handmade.Flood(1),
		"trap":      handmade.Trap(),
		"component": []byte("\x00asm\x0d\x00\x01\x00"),
		"network":   handmade.Spec{Imports: []handmade.Import{{Module: "env", Name: "connect"}}, Pages: 1}.Encode(),
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		Deadline:            time.Now().Add(deadline),
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(grid.Exe)+string(filepath.ListSeparator)+env.Getenv("PATH"))
			env.Setenv("ANTHILL_GRID", grid.Context())
			env.Setenv("ANTHILL_HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("TMPDIR", filepath.Join(env.WorkDir, ".tmp"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "set": set, "mangle": mangle, "elapse": elapse, "foreign": foreign, "redirect": redirect,
			"module": func(ts *testscript.TestScript, _ bool, args []string) { module(ts, modules, args) },
		},
	})
}

// exits CODE ARG... runs anthill and expects an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	code := "0"
	if err := ts.Exec("anthill", args[1:]...); err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// module NAME writes a module into NAME.wasm.
func module(ts *testscript.TestScript, modules map[string][]byte, args []string) {
	for _, name := range args {
		if modules[name] == nil {
			ts.Fatalf("no module %s", name)
		}
		ts.Check(os.WriteFile(ts.MkAbs(name+".wasm"), modules[name], 0o600))
	}
}

// set VAR puts what the last command printed into a variable.
func set(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// mangle VAR changes one letter in the middle of a variable.
func mangle(ts *testscript.TestScript, _ bool, args []string) {
	text := []byte(ts.Getenv(args[0]))
	if at := &text[len(text)/2]; *at == 'a' {
		*at = 'b'
	} else {
		*at = 'a'
	}
	ts.Setenv(args[0], string(text))
}

// elapse DURATION lets time pass, for what is to expire.
func elapse(ts *testscript.TestScript, _ bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	time.Sleep(d)
}

// foreign VAR turns a token into one of the same coordinators with a secret
// that they never gave out; foreign VAR grid into that of another grid there.
func foreign(ts *testscript.TestScript, _ bool, args []string) {
	token, err := identity.ParseToken(ts.Getenv(args[0]))
	ts.Check(err)
	if len(args) > 1 {
		token.CA[0]++
	} else {
		token.Secret[0]++
	}
	ts.Setenv(args[0], token.String())
}

// redirect DIR HOST:PORT makes an identity look for its grid elsewhere.
func redirect(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := identity.Load(args[0])
	ts.Check(err)
	dir.Coordinators = args[1:]
	ts.Check(dir.Save(args[0]))
}
