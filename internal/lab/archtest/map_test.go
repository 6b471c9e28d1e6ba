package archtest

import (
	"os"
	"path"
	"strings"
	"testing"
)

func TestMapLeadsToTheRules(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/map.md")
	if err != nil {
		t.Fatal(err)
	}
	rules := readMap("docs", string(text))
	if len(rules) < minRules {
		t.Errorf("docs/map.md has %d rules, fewer than %d", len(rules), minRules)
	}
	for _, b := range checkMap(rules, read(t)) {
		t.Error(b)
	}
}

func TestMap(t *testing.T) {
	files := made(t, "jobs/ban.go", "package jobs\ntype State struct{}\nfunc (s *State) ban() {}\nfunc (p pair[T]) Put() {}\n"+
		"const (\n\tone = 1\n\ttwo = 2\n)\nvar table, other = 1, 2\nfunc punish() { type inner int }\n")
	for row, want := range map[string]string{
		"| a ban | [ban](../jobs/ban.go) | `State.ban` |":                          "",
		"| a ban | [ban](../jobs/ban.go) | `two`, `other`, `punish`, `pair.Put` |": "",
		"| a ban | [ban](../jobs/lie.go) | `two` |":                                "docs/map.md:3: \"a ban\": there is no file jobs/lie.go",
		"| a ban | [ban](../jobs/ban.go) | `State.strike` |":                       "jobs/ban.go declares no State.strike",
		"| a ban | [ban](../jobs/ban.go) | `inner` |":                              "declares no inner",
		"| a ban | [ban](../jobs/ban.go) | the whole |":                            "no symbol is named",
	} {
		rules := readMap("docs", "| where | file | symbol |\n|---|---|---|\n"+row+"\n")
		if len(rules) != 1 {
			t.Errorf("%s: read as %d rules", row, len(rules))
		}
		got := strings.Join(checkMap(rules, files), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q; want %q", row, got, want)
		}
	}
}

// TestReadmeNamesEveryPackage: a newcomer looks there for where things are.
func TestReadmeNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile(root + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## Where things are\n")
	if !found {
		t.Fatal(`README.md has no section "Where things are"`)
	}
	named := map[string]bool{}
	for _, quoted := range mapSymbol.FindAllStringSubmatch(section, -1) {
		named[path.Base(quoted[1])] = true
	}
	for _, f := range read(t) {
		if last := path.Base(f.pkg); !f.test && f.name != "main" && layerOf(f.pkg) != layerOf("examples") && !named[last] {
			named[last] = true // once is enough
			t.Errorf("README.md does not name %s among where things are: say what is in it", f.pkg)
		}
	}
}
