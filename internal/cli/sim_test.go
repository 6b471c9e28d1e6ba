package cli

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestSimTrust(t *testing.T) {
	t.Parallel()
	args := []string{"sim", "trust", "--workers", "20", "--tasks", "100", "--policy", "quorum2", "--seeds", "2"}
	stdout, stderr := expect(t, 0, args...)
	expectMatch(t, stdout, `(?s)^policy +quorum2\ntasks +200 in 2 jobs, .*\nexecutions +2\.\d+ per task\nliars +\d of 8.*\nhonest +0 banned\n`)
	expectMatch(t, stderr, `(?m)^seed [12] \(2/2\): \d+ of 100 wrong`)
}

func TestSimTrustJSON(t *testing.T) {
	t.Parallel()
	args := []string{"sim", "trust", "--workers", "20", "--tasks", "100", "--policy", "boinc", "--seeds", "2", "--json", "--seed", "7"}
	stdout, _ := expect(t, 0, args...)
	var got map[string]float64
	if err := json.Unmarshal([]byte(stdout), &got); err != nil || strings.Count(stdout, "\n") != 1 {
		t.Fatalf("%q: %v", stdout, err)
	}
	want := []string{"error_rate", "honest_banned", "liars", "liars_banned", "redundancy", "seconds", "tasks", "wrong"}
	if keys := slices.Sorted(maps.Keys(got)); !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	if got["tasks"] != 200 || got["liars"] != 8 || got["redundancy"] < 1 || got["error_rate"] != got["wrong"]/200 {
		t.Errorf("%s", stdout)
	}
}

func TestSimTrustRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{
		{"--liars=2", "sim trust: liars: 2 is not a share"},
		{"--policy=best", `sim trust: policy: "best" is none: want credibility, quorum2, quorum3 or boinc`},
		{"--seeds=0", "sim trust: seeds: 0 is less than 1"},
		{"--cheat=x", "invalid argument"},
	} {
		_, stderr := expect(t, 2, "sim", "trust", c[0])
		if !strings.Contains(stderr, c[1]) || !strings.Contains(stderr, "see 'anthill sim trust --help'") {
			t.Errorf("%s: %s", c[0], stderr)
		}
	}
}
