package archtest

import (
	"os"
	"strings"
	"testing"
)

func TestThreatsAreTried(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	threats := readThreats(string(text))
	if len(threats) < minThreats {
		t.Errorf("docs/security.md has %d threats, fewer than %d", len(threats), minThreats)
	}
	for _, b := range checkThreats(threats, read(t)) {
		t.Error(b)
	}
}

func TestThreats(t *testing.T) {
	files := made(t, "jobs/ban_test.go", "package jobs\nfunc TestBan(t *testing.T) {}\n", "jobs/ban.go", "package jobs\nfunc TestNot() {}\n")
	for row, want := range map[string]string{
		"| a lie | a ban | `TestBan` |":            "",
		"| a lie | a ban | `TestBan`, `TestNot` |": "there is no test TestNot",
		"| a lie | a ban | we hope |":              "no test is named",
	} {
		got := strings.Join(checkThreats(readThreats("| threat | what | tests |\n|---|---|---|\n"+row+"\n"), files), "\n")
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q; want %q", row, got, want)
		}
	}
}
