package sdk

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

func TestAllowances(t *testing.T) {
	for text, want := range map[string]jobs.Spec{
		"0": {}, "20": {AllowFailed: 20}, " 20 ": {AllowFailed: 20}, "1": {AllowFailed: 1}, "4294967295": {AllowFailed: math.MaxUint32},
		"0.1": {AllowFailedShare: jobs.One / 10}, "1e-1": {AllowFailedShare: jobs.One / 10}, "10%": {AllowFailedShare: jobs.One / 10},
		"2.5 %": {AllowFailedShare: jobs.One / 40}, "100%": {AllowFailedShare: jobs.One}, "0%": {}, "0.0": {}, "1e-12": {AllowFailedShare: 1},
	} {
		a, err := ParseAllowance(text)
		var got jobs.Spec
		a.apply(&got)
		if err != nil || got.AllowFailed != want.AllowFailed || got.AllowFailedShare != want.AllowFailedShare {
			t.Errorf("%q: got %+v, %v", text, a, err)
		}
	}
	for _, text := range []string{"", "-1", "1.0", "1.5", "101%", "-0.1", "nan", "NaN%", "inf", "all", "10 tasks", "4294967296", "1e3", "%", "0x10"} {
		if a, err := ParseAllowance(text); err == nil || !strings.Contains(err.Error(), "write it like 20, or like 0.1 or 10%") {
			t.Errorf("%q became %+v, %v", text, a, err)
		}
	}
}

func TestAllowancesInJobFiles(t *testing.T) {
	for text, want := range map[string]Allowance{"0.1": {Share: 0.1}, "20": {Tasks: 20}, `"10%"`: {Share: 0.1}, "null": {}} {
		var a Allowance
		if err := json.Unmarshal([]byte(text), &a); err != nil || a != want {
			t.Errorf("%s: got %+v, %v", text, a, err)
		}
	}
	const file = "name: x\nbundle: x.wasm\ninput: {range: {from: 0, to: 10, step: 1}}\n"
	for text, want := range map[string]Allowance{
		"allow_failed: 0.1": {Share: 0.1}, "allow_failed: 3": {Tasks: 3}, "allow_failed: 20%": {Share: 0.2}, "": {}, "allow_failed:": {},
	} {
		f, err := ParseJobFile("job.yaml", []byte(file+text))
		if err != nil || f.AllowFailed != want {
			t.Errorf("%s: got %+v, %v", text, f, err)
		}
	}
	for text, says := range map[string]string{
		"allow_failed: 11":  "allow_failed: 11 is more than the job's 10 tasks",
		"allow_failed: 1.0": `line 4: allow_failed: "1.0" is neither a number of tasks nor a share of them`,
		"allow_failed: yes": `allow_failed: "yes" is neither`,
		"allow_failed: [1]": "line 4: allow_failed",
	} {
		_, err := ParseJobFile("job.yaml", []byte(file+text))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v, want %q", text, err, says)
		}
	}
}
