package rewrite_test

import (
	"strings"
	"testing"
	_ "unsafe" // for go:linkname

	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// interpreterCeiling is the interpreter's limit on frames, a variable of its.
//
//go:linkname interpreterCeiling github.com/tetratelabs/wazero/internal/engine/interpreter.callStackCeiling
var interpreterCeiling int

// raiseCeiling lets the interpreter go as deep as the compiler.
func raiseCeiling(t testing.TB) {
	t.Helper()
	before := interpreterCeiling
	if before != 2000 {
		t.Fatalf("the interpreter's ceiling is %d: is it still called so?", before)
	}
	interpreterCeiling = rewrite.DepthLimit
	t.Cleanup(func() { interpreterCeiling = before })
}

// TestDepth recurses without end: both engines stop at the same depth, the
// host can tell why, and smaller frames get deeper.
func TestDepth(t *testing.T) {
	if underRace {
		t.Skip("the interpreter takes too much stack under the race detector")
	}
	raiseCeiling(t)
	count := "\x23\x00\x41\x01\x6a\x24\x00" // global 0 counts the calls
	for _, test := range []struct {
		name      string
		functions []function
		least     uint64
	}{
		{"itself", []function{{name: "run", code: count + "\x10\x00"}}, 100_000},
		{"each other", []function{{name: "run", code: count + "\x10\x01"}, {code: count + "\x10\x00"}}, 100_000},
		{"through a table", []function{{name: "run", code: count + "\x41\x00\x11\x00\x00"}}, 100_000},
		{"with arguments", []function{{name: "run"}, {
			params: i32 + i64 + f64, results: i32, code: count + "\x20\x00\x20\x01\x20\x02\x10\x01\x20\x00\x6a",
		}, {name: "go", code: "\x41\x01\x42\x01\x44\x00\x00\x00\x00\x00\x00\x00\x00\x10\x01\x1a"}}, 100_000},
		{"with vectors", []function{{name: "run", locals: strings.Repeat(v128, 2000), code: count + manyVectors(2000)}}, 200},
		{"with vectors on the stack", []function{{name: "run", locals: v128, code: count + stackedVectors("\xfd\x4d", 2000)}}, 200},
		{"with mended vectors on the stack", []function{{name: "run", locals: v128, code: count + stackedVectors("\xfd\xef\x01", 2000)}}, 200},
		{"with numbers on the stack", []function{{name: "run", locals: i64, code: count + stackedNumbers(5000)}}, 200},
		{"with numbers on the stack time and again", []function{{name: "run", locals: i64, code: count + strings.Repeat(stackedNumbers(30), 200)}}, 200},
		{"with results on the stack", []function{{name: "run", code: count + stackedResults(200)}, {results: many, code: strings.Repeat("\x42\x01", 32)},
			{params: many + many}, {name: "go", code: "\x10\x00"}}, 200},
	} {
		module := mustRewrite(t, spec{functions: test.functions}.encode(), all)
		var depths []uint32
		for _, engine := range engines {
			in := instantiate(t, engine.config(), module)
			in.give(1 << 40)
			run := "run"
			if len(test.functions) > 2 {
				run = "go"
			}
			if _, err := in.call(run); err == nil {
				t.Errorf("%s on the %s: endless recursion ends without error", test.name, engine.name)
			}
			fuel, depth := in.left()
			if depth >= 0 || fuel < 0 {
				t.Errorf("%s on the %s: depth %d and fuel %d left", test.name, engine.name, depth, fuel)
			}
			depths = append(depths, uint32(in.global(t)))
		}
		if depths[0] != depths[1] || uint64(depths[0]) < test.least {
			t.Errorf("%s: %d calls, want equal and at least %d", test.name, depths, test.least)
		}
	}
}

// manyVectors sets so many locals, calls function 0, and uses all of them, so
// that each has its place in the frame.
func manyVectors(n int) string {
	var code strings.Builder
	for i := range n {
		code.WriteString("\x41\x00\xfd\x00\x00\x00\x21" + leb(i)) // from memory
	}
	code.WriteString("\x10\x00\x41\x00\x20\x00")
	for i := 1; i < n; i++ {
		code.WriteString("\x20" + leb(i) + "\xfd\x51") // xor
	}
	return code.String() + "\xfd\x0b\x00\x00"
}

// stackedVectors calls function 0 while so many vectors are on the stack, each
// made by one instruction.
func stackedVectors(op string, n int) string {
	return "\x41\x00\xfd\x00\x00\x00\x21\x00\x41\x00\x20\x00" + strings.Repeat("\x20\x00"+op, n) +
		"\x10\x00" + strings.Repeat("\xfd\x51", n) + "\xfd\x0b\x00\x00"
}

// stackedNumbers calls function 0 while so many numbers are on the stack.
func stackedNumbers(n int) string {
	return strings.Repeat("\x20\x00\x79", n) + "\x10\x00" + strings.Repeat("\x7c", n-1) + "\x24\x01"
}

// many are the types of the results of function 1.
var many = strings.Repeat(i64, 32)

// stackedResults calls functions 1, 1 and 2, which takes what they give, so
// often, and function 0.
func stackedResults(n int) string {
	return strings.Repeat("\x10\x01\x10\x01\x10\x02", n) + "\x10\x00"
}

// TestDepthIsGivenBack leaves a recursive function in every way.
func TestDepthIsGivenBack(t *testing.T) {
	again := "\x20\x00\x04\x40\x20\x00\x41\x01\x6b\x10\x00\x0b" // if n > 0, with n - 1
	for name, end := range map[string]string{
		"end":    "",
		"return": "\x0f",
		"br":     "\x0c\x00",
		"br_if":  "\x20\x00\x0d\x00",
		"table":  "\x20\x00\x0e\x01\x00\x00",
		"inside": "\x02\x40\x20\x00\x0d\x01\x0b",
	} {
		module := mustRewrite(t, spec{functions: []function{{name: "run", params: i32, code: again + end}}}.encode(), all)
		in := instantiate(t, engines[0].config(), module)
		in.give(1 << 40)
		_, before := in.left()
		if _, err := in.call("run", 1000); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, after := in.left(); after != before {
			t.Errorf("%s: depth %d before, %d after", name, before, after)
		}
	}
}

// TestDepthOfChains takes functions that cannot recur off the limit, once.
func TestDepthOfChains(t *testing.T) {
	chain := []function{{name: "run", code: "\x10\x01"}, {code: "\x10\x02\x10\x02"}, {}}
	in := instantiate(t, engines[0].config(), mustRewrite(t, spec{functions: chain}.encode(), rewrite.Options{Depth: true}))
	if _, depth := in.left(); depth != rewrite.DepthLimit-3*440 {
		t.Errorf("depth = %d", depth)
	}
}
