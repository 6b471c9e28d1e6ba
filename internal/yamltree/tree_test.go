package yamltree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/anthill-grid/anthill/internal/problem"
)

// written is a text's tree as JSON; where that cannot be, what is wrong.
func written(text string) string {
	root, err := Parse([]byte(text))
	if err != nil {
		return "error: " + err.Error()
	}
	plain, err := root.JSON()
	if err != nil {
		return "error: " + err.Error()
	}
	return string(plain)
}

func expectTrees(t *testing.T, trees map[string]string) {
	t.Helper()
	for text, want := range trees {
		if got := written(text); got != want {
			t.Errorf("%.200q: got %.200s, want %.200s", text, got, want)
		}
	}
}

func TestAliasesAndMerges(t *testing.T) {
	expectTrees(t, map[string]string{
		"a: &x 010x\nb: *x":                              `{"a":"010x","b":"010x"}`,
		"a: &x 1.10\nb: [*x, *x]":                        `{"a":1.10,"b":[1.10,1.10]}`,
		"a: &x [1]\nb: &y [*x]\nc: *y":                   `{"a":[1],"b":[[1]],"c":[[1]]}`,
		"a: &x 1\nb: &x 2\nc: *x":                        `{"a":1,"b":2,"c":2}`,
		"a: &x\nb: *x":                                   `{"a":null,"b":null}`,
		"&x a: 1\nb: *x":                                 `{"a":1,"b":"a"}`,
		"- &x {a: 1, b: 2}\n- {<<: *x, b: 3}":            `[{"a":1,"b":2},{"b":3,"a":1}]`,
		"- {b: 3, <<: {a: 1, b: 2}}":                     `[{"b":3,"a":1}]`,
		"- &x {a: 1}\n- &y {a: 2, b: 2}\n- <<: [*x, *y]": `[{"a":1},{"a":2,"b":2},{"a":1,"b":2}]`,
		"{'<<': 1}":                                      `{"<<":1}`,
		"[<<, =]":                                        `["<<","="]`,
		"- &x {a: 1}\n- {<<: *x, <<: {b: 1}}":            `[{"a":1},{"a":1,"b":1}]`,
		"- {<<: 1}":                                      `error: line 1: << takes in the fields of a map, and this is none`,
		"- {<<: [{a: 1}, 2]}":                            `error: line 1: << takes in the fields of a map, and this is none`,
		"a: 1\nb: &x {c: *x}":                            `error: line 2: *x stands within itself`,
		"a: 1\nb: *x":                                    `error: line 2: unknown anchor 'x' referenced`,
		"a: 1\n'a': 2":                                   `error: line 2: key "a" already set in line 1`,
		"{\"1\": 1,\n1: 2}":                              `error: line 2: key "1" already set in line 1`,
		"&x a: 1\n*x : 2":                                `error: line 2: key "a" already set in line 1`,
	})
}

// TestBombsAreRefusedAtOnce are of short texts that stand for gigabytes.
func TestBombsAreRefusedAtOnce(t *testing.T) {
	lists, maps := "a0: &a0 [x]\n", "a0: &a0 {x: 1}\n"
	for i := range 40 {
		lists += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
		maps += fmt.Sprintf("a%d: &a%d {l: *a%d, r: *a%d}\n", i+1, i+1, i, i)
	}
	fields := "a: &a {"
	for i := range 20000 {
		fields += fmt.Sprintf("k%d: 1, ", i)
	}
	fields += "}\nb:\n" + strings.Repeat("- {<<: *a}\n", 20000)
	for name, text := range map[string]string{
		"lists": lists, "maps": maps, "merges": fields,
		"text":  "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 5000) + "]",
		"depth": strings.Repeat("[", 1<<20),
		"deep":  strings.Repeat("{a: ", 1<<18),
		"JSON":  strings.Repeat(`{"a":`, 1<<18) + "1" + strings.Repeat("}", 1<<18),
	} {
		began := time.Now()
		got := written(text)
		if took := time.Since(began); !strings.HasPrefix(got, "error: line ") || took > 3*time.Second {
			t.Errorf("%s: %.100s after %v", name, got, took)
		}
	}
}

func utf16Of(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func TestEncodings(t *testing.T) {
	text, want := "a: 010é😀\r\nb: 1.10\r\n", `{"a":"010é😀","b":1.10}`
	expectTrees(t, map[string]string{
		text:                               want,
		"\ufeff" + text:                    want,
		utf16Of(binary.LittleEndian, text): want,
		utf16Of(binary.BigEndian, text):    want,
		utf16Of(binary.LittleEndian, `{"a": 1.10}`):         `{"a":1.10}`,
		utf16Of(binary.LittleEndian, "a: b\nc: d") + "\x00": "error: line 2: it has bytes that are not UTF-8",
		"\xff\xfea\x00\n\x00\x3d\xd8b\x00":                  "error: line 2: it has bytes that are not UTF-8",
		"a\x00:\x00":                                        "error: line 1: it has a zero byte",
		"a: b\r\nc: \xe9":                                   "error: line 2: it has bytes that are not UTF-8",
		"a: b\rc: d\re: \x07":                               "error: line 3: it has the character U+0007, which does not show",
	})
}

func TestJSON(t *testing.T) {
	expectTrees(t, map[string]string{
		`{"a": 123456789012345678901, "b": 1.10, "c": [true, null, "x", 1E+2]}`: `{"a":123456789012345678901,"b":1.10,"c":[true,null,"x",1E+2]}`,
		`{"a": "\ud83d\ude00 \/ <&>"}`:                                          `{"a":"😀 / <&>"}`,
		"{\n\t\"b\"\n\t:\n\t1,\n\t\"a\": 2\n}\n":                                `{"b":1,"a":2}`,
		`{"` + strings.Repeat("k", 3000) + `": 1}`:                              `{"` + strings.Repeat("k", 3000) + `":1}`,
		"{\"a\": {\"b\": 1,\n\"b\": 2}}":                                        `error: line 2: key "b" already set in line 1`,
		`{"a": "\ud83d"}`:                                                       "error: line 1: found invalid Unicode character escape code",
		`{"a": "` + "\ufffd" + `"}`:                                             `{"a":"` + "\ufffd" + `"}`,
		`{"<<": 1, "a": {"<<": {}}}`:                                            `{"<<":1,"a":{"<<":{}}}`,
		`{"a": "yes", "b": "010"}`:                                              `{"a":"yes","b":"010"}`,
		`{"a": 1} {"a": 1}`:                                                     "error: line 1: did not find expected <document start>",
		`{}`:                                                                    `{}`,
	})
}

func TestDocuments(t *testing.T) {
	expectTrees(t, map[string]string{
		"": "null", "# nothing\n": "null", "---\na: 1\n": `{"a":1}`, "a: 1\n...\n": `{"a":1}`, "%YAML 1.1\n---\na: yes": `{"a":"yes"}`,
		"a: 1\n---\nb: 2": "error: line 2: a second document begins",
		"a: 1\n---\n":     "error: line 2: a second document begins",
		"a: 1\n---\n[":    "error: line 4: did not find expected node content",
		"a: |\n  x\n   y\n\n  z\nb: >\n  x\n  y\n\n  z\n": `{"a":"x\n y\n\nz\n","b":"x y\nz\n"}`,
		"a: |-\n  010\nb: >-\n  1.10\nc: |+\n  yes\n\n":   `{"a":"010","b":"1.10","c":"yes\n\n"}`,
		"a: |\r\n  x\r\n  y\r\n":                          `{"a":"x\ny\n"}`,
		"? a\n: b":                                        `{"a":"b"}`,
		"? [a]\n: b":                                      "error: line 1: a key has to be text",
		"a: 1\n: b":                                       "error: line 2: a key has to be text",
		"~: 1\nnull: 2":                                   `{"~":1,"null":2}`,
	})
	if root, err := Parse([]byte("a: 1\nb:\n  - c\n  - 'd'\n")); err != nil || root.Fields[1].Line != 2 || root.Fields[1].Value.List[1].Line != 4 || root.Fields[1].Value.List[1].Plain {
		t.Errorf("got %+v, %v", root, err)
	}
	if _, err := Parse([]byte("a: [")); !errors.Is(err, problem.ErrInvalid) || problem.Next(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"0x1F": "31", "0o17": "15", "010": "10", "-010": "-10", "+5": "5", ".5": "0.5", "-.5": "-0.5", "5.": "5", "+1.e-4": "1e-4", "007.50": "7.50", "1E+9": "1E+9",
		".inf": `".inf"`, "-.INF": `"-.INF"`, ".NaN": `".NaN"`,
	} {
		if got := (&Node{Text: text, Plain: true}).Number(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]Type{
		"": Null, "~": Null, "nUll": Text, "true": Bool, "yes": Text, "1_0": Text, "0b1": Text, "1:30": Text, "0x": Text, "-0x1": Text, "08": Int, "1e3": Float, ".": Text, "e3": Text, ".e3": Text,
	} {
		if got := (&Node{Text: text, Plain: true}).Type(); got != want {
			t.Errorf("%q: type %d, want %d", text, got, want)
		}
		if got := (&Node{Text: text}).Type(); got != Text {
			t.Errorf("quoted %q: type %d", text, got)
		}
	}
}
