package sdk

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// itemsOf are the lines that the tasks of a job file read.
func itemsOf(t rapid.TB, text string) ([]string, error) {
	t.Helper()
	file, err := ParseJobFile("job.yaml", []byte(text))
	if err != nil {
		return nil, err
	}
	list, err := newItemList(file.Input.Items)
	if err != nil {
		t.Fatal(err)
	}
	tasks := cut(t, list, list)
	for i := range tasks {
		tasks[i] = strings.TrimSuffix(tasks[i], "\n")
	}
	return tasks, nil
}

// typed are values that YAML 1.1, or JSON, takes for something else.
var typed = []string{
	"00123", "010", "yes", "no", "on", "off", "y", "N", "1.10", "1_000", "123456789012345678901", "0x1F", "0o17", "0b11", "~", "null", "Null",
	"true", "True", ".inf", "-.INF", ".nan", "2026-11-29", "2026-11-29T12:00:00Z", "1e3", "1E+03", "012:30:45", "12:30", "<<", "=", "+5", "-0", ".5", "5.",
	"0.1000000000000000055511151231257827", "1e400", "008", "0xg", "a:b", "a#b", "-x", "--", "<&>", "1,5", "%5", `C:\new`, "é", "😀", "\u00a0x",
}

func TestItemsArriveAsTyped(t *testing.T) {
	for how, write := range map[string]func(string) string{
		"plain":  func(s string) string { return s },
		"single": func(s string) string { return "'" + s + "'" },
		"double": func(s string) string { return `"` + strings.ReplaceAll(s, `\`, `\\`) + `"` },
		"block":  func(s string) string { return "|-\n    " + s },
		"tagged": func(s string) string { return "!!str " + s },
		"anchor": func(s string) string { return "&a " + s },
	} {
		text := head + "input:\n  items:\n"
		want := slices.Clone(typed)
		if how == "plain" || how == "tagged" || how == "anchor" { // a % begins no plain scalar
			want = slices.DeleteFunc(want, func(s string) bool { return strings.HasPrefix(s, "%") })
		}
		for _, s := range want {
			text += "  - " + write(s) + "\n"
		}
		got, err := itemsOf(t, text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got  %q, %v\nwant %q", how, got, err, want)
		}
	}
}

func TestTextArrivesAsTypedEverywhere(t *testing.T) {
	text := `
name: 010
bundle: 1.0
args: [007, no, 1.10, ~]
env: {NO: no, 010: 1_000, yes: on, null: null, 1.10: 0x1F, y: 2026-11-29}
input: {files: [2026-11-29, 010, no]}
data: {010: 1.10, no: off}
limits: {time: 1m}
`
	got, err := ParseJobFile("job.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	got.lines = nil
	want := &JobFile{
		Path: "job.yaml", Name: "010", Bundle: "1.0", Args: []string{"007", "no", "1.10", "~"},
		Env:    map[string]string{"NO": "no", "010": "1_000", "yes": "on", "null": "null", "1.10": "0x1F", "y": "2026-11-29"},
		Input:  Input{Files: []string{"2026-11-29", "010", "no"}},
		Data:   map[string]string{"010": "1.10", "no": "off"},
		Limits: Limits{Time: Duration(time.Minute)},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestListsAndMapsAreItemsInJSON(t *testing.T) {
	for item, want := range map[string]string{
		"{b: 1, a: 1.10}":                        `{"b":1,"a":1.10}`,
		"[123456789012345678901, 1e3, -0, 1E+5]": `[123456789012345678901,1e3,-0,1E+5]`,
		"[yes, no, ~, null, true, TRUE, '5']":    `["yes","no",null,null,true,true,"5"]`,
		"{no: off, 1_000: 2026-11-29, 010: x}":   `{"no":"off","1_000":"2026-11-29","010":"x"}`,
		"[<&>, \"a\\nb\", {}, []]":               `["<&>","a\nb",{},[]]`,
		"{a: }":                                  `{"a":null}`,
		"[0x1F]":                                 "line 3: inside of a list or a map values are passed on as JSON, which has no number 0x1F",
		"[010]":                                  "line 3: ",
		"{a: {b: [00123]}}":                      "no number 00123",
		"[0o17]":                                 "line 3: ",
		"[+5]":                                   "line 3: ",
		"[.5]":                                   "line 3: ",
		"[5.]":                                   "line 3: ",
		"[.inf]":                                 "line 3: ",
		"[-.Inf]":                                "line 3: ",
		"[.nan]":                                 "line 3: ",
	} {
		got, err := itemsOf(t, head+"input: {items: ["+item+"]}")
		if err != nil && (!errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) || NextStep(err) == "") {
			t.Errorf("%s: got %v", item, err)
		}
		if err == nil && fmt.Sprint(got) != "["+want+"]" {
			t.Errorf("%s: got %s, want %s", item, got, want)
		}
	}
}

func TestNumbersOfFieldsAreOfYAML12(t *testing.T) {
	for fields, want := range map[string]JobFile{
		"input: {range: {to: 0x1F, step: 0o17}}":                 {Input: Input{Range: &Range{To: 31, Step: 15}}},
		"input: {range: {from: -010, to: +10, step: 010}}":       {Input: Input{Range: &Range{From: -10, To: 10, Step: 10}}},
		"input: {range: {from: -1e3, to: 2E+06, step: 1e05}}":    {Input: Input{Range: &Range{From: -1000, To: 2e6, Step: 1e5}}},
		"input: {items: [a]}\nlimits: {memory: 0x10000}":         {Limits: Limits{Memory: 65536}},
		"input: {items: [a]}\nlimits: {fuel: 1e9, output: +1}":   {Limits: Limits{Fuel: 1e9, Output: 1}},
		"input: {items: [a]}\nlimits: {fuel: 1.e9, output: 0o7}": {Limits: Limits{Fuel: 1e9, Output: 7}},
		"input: {items: [a]}\ntrust: {max_error: .5}":            {Trust: Trust{MaxError: 0.5}},
		"input: {items: [a]}\ntrust: {max_error: +1.e-4}":        {Trust: Trust{MaxError: 1e-4}},
		"input: {items: [a]}\ntrust: ~\nlimits: null\nargs:\n":   {},
		"input: {items: [a], pack: ~, files: null}\nenv: {}":     {Env: map[string]string{}},
	} {
		got, err := ParseJobFile("job.yaml", []byte(head+fields))
		if err != nil {
			t.Errorf("%s: %v", fields, err)
			continue
		}
		want.Path, want.Name, want.Bundle, got.lines = "job.yaml", "t", "t.wasm", nil
		if want.Input.Range == nil {
			want.Input.Items = []any{"a"}
		}
		if !reflect.DeepEqual(got, &want) {
			t.Errorf("%s: got %+v", fields, got)
		}
	}
}

func TestWhatCannotBeKeptIsRefusedByLine(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"input:\n  range:\n    to: 1_000\n    step: 1", "line 5: input.range.to: found 1_000, want a whole number"},
		{"input: {range: {to: 1.5e6, step: 1}}", "line 3: input.range.to: found 1.5e6, want a whole number"},
		{"input: {range: {to: 1e-1, step: 1}}", "line 3: input.range.to: found 1e-1, want a whole number"},
		{"input: {range: {to: 1e19, step: 1}}", "found 1e19, want a number of at most 9223372036854775807"},
		{"input: {range: {to: '9', step: 1}}", `line 3: input.range.to: found the text "9", want a whole number`},
		{"input: {range: {to: 0x8000000000000000, step: 1}}", "found 0x8000000000000000, want a number of at most 9223372036854775807"},
		{"input: {items: [a]}\ntrust: {quorum: 4294967296}", "line 4: trust.quorum: found 4294967296, want a number of at most 4294967295"},
		{"input: {items: [a]}\ntrust: {quorum: yes}", "line 4: trust.quorum: found yes, want a whole number"},
		{"input: {items: [a]}\ntrust: {max_error: .inf}", "line 4: trust.max_error: "},
		{"input: {items: [a]}\ntrust: {max_error: [1]}", "line 4: trust.max_error: found a list, want a single value"},
		{"input: {items: [a]}\ntrust: {max_error: 0_1}", `line 4: trust.max_error: "0_1" is not a share`},
		{"input: {items: [a]}\nlimits: {time: 012:30:45}", `line 4: limits.time: "012:30:45" is not a duration`},
		{"input: {items:\n- a\n-\n- b}", "line 4: did not find expected"},
		{"input:\n  items:\n  - a\n  -\n  - b", "line 6: input.items: there is no value"},
		{"input: {items: [a]}\nargs:\n  - a\n  -", "line 6: args: there is no value"},
		{"input: {items: [a]}\nenv: {A:1}", "line 4: env.A:1: there is no value"},
		{"input: {items: [a]}\nenv:\n  A: [1]", "line 5: env.A: found a list, want text"},
		{"input: {items: [a]}\nenv: [A=1]", "line 4: env: found a list, want names and values"},
		{"input: {items: [a]}\nenv: {A: 1,\n  'A': 2}", `line 5: key "A" already set in line 4`},
		{"input: {items: [{a: 1, a: 2}]}", `line 3: key "a" already set in line 3`},
		{"input: {items: [a]}\nenv: {? [a] : b}", "line 4: a key has to be text"},
		{"input: {items: [!!int 5]}", "line 3: the tag !!int has no meaning here"},
		{"input: {items: [!!binary aGk=]}", "line 3: the tag !!binary"},
		{"input: {items: [!point {x: 1}]}", "line 3: the tag !point"},
		{"input: {items: [a]}\n---\nname: u", "line 4: a second document begins"},
		{"input: {items: [a]}\n---\n[", "line 6: did not find"},
		{"input:\n\titems: [a]", "line 4: "},
		{"input: {items: [*a]}", "line 3: unknown anchor 'a' referenced"},
		{"input: {items: &a [*a]}", "line 3: *a stands within itself"},
		{"input: {items: [a]}\nenv: {<<: b}", "line 4: << takes in the fields of a map"},
		{"input: {items: [\"a\u2028b\"]}", "line 3: it has the character U+2028"},
		{"input: {items: [a\u0085b]}", "line 3: it has the character U+0085"},
		{"input: {items: [a\x1bb]}", "line 3: it has the character U+001B"},
		{"input: {items: [a\xffb]}", "line 3: it has bytes that are not UTF-8"},
		{"input: {items: [a\x00b]}", "line 3: it has a zero byte"},
	} {
		_, err := ParseJobFile("job.yaml", []byte(head+tt.text))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(fmt.Sprint(err), "job file job.yaml: ") || !strings.Contains(fmt.Sprint(err), tt.want) || NextStep(err) == "" {
			t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
		}
	}
}

// TestAnyTextArrivesOrIsRefused writes any string in every way in which YAML can.
func TestAnyTextArrivesOrIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.SampledFrom(typed),
			rapid.StringMatching(`[-+._:=<>~0-9a-fxoEeinfNAyY]{1,12}`),
			rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("\x00\t\n\r\"'\\ #:-?,[]{}&*!|>%@`\u0085\u2028\u2029\ufeff")))),
		).Draw(t, "text")
		for how, text := range map[string]string{
			"plain":  s,
			"flow":   "[" + s + "]",
			"single": "'" + strings.ReplaceAll(s, "'", "''") + "'",
			"double": `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`,
			"escape": escaped(s),
		} {
			items := "\n  - " + text
			if how == "flow" {
				items = text
			}
			got, err := itemsOf(t, head+"input:\n  items: "+items+"\n")
			if err != nil || len(got) == 1 && got[0] == s {
				continue
			}
			// What is no plain scalar means something else, and that is how YAML is. Line
			// ends and the blanks beside them are folded.
			if how == "escape" || strings.IndexFunc(s, foldable) < 0 && how != "plain" && how != "flow" ||
				(how == "plain" || how == "flow") && isPlain(s) {
				t.Errorf("%s: %q arrives as %q", how, s, got)
			}
		}
	})
}

func foldable(r rune) bool { return r == '\n' || r == '\r' }

// isPlain tells of texts that YAML has no other meaning for.
func isPlain(s string) bool {
	return s != "" && s == strings.TrimSpace(s) && !strings.ContainsAny(s, ",[]{}#&*!|>'\"%@`\n\r\\?") && !strings.Contains(s, ":") &&
		!strings.HasPrefix(s, "-") && !strings.HasPrefix(s, "...")
}

// escaped writes all of a text in escapes.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, `\U%08x`, r)
	}
	return `"` + b.String() + `"`
}
