package jobs

import "testing"

func TestSecretsAreShownAsDigests(t *testing.T) {
	s := rangeSpec(1)
	s.Env, s.Secret = map[string]string{"LANG": "C", "KEY": "hush"}, []string{"KEY"}
	shown := s.Hidden()
	if len(shown.Env["KEY"]) != 19 || shown.Env["KEY"] == "hush" || shown.Env["LANG"] != "C" || s.Env["KEY"] != "hush" {
		t.Errorf("shown is %v, of %v", shown.Env, s.Env)
	}
	if got := shown.Reveal(s); got.Env["KEY"] != "hush" {
		t.Errorf("tried again it is %v", got.Env)
	}
	other := s.Hidden()
	other.Env["KEY"] = "sha256:000000000000"
	if got := other.Reveal(s); got.Env["KEY"] != "sha256:000000000000" {
		t.Errorf("of another value it is %v", got.Env)
	}
	s.Secret = []string{"NONE"}
	if s.Validate() == nil {
		t.Error("a secret that is no variable")
	}
	if r := oldGrid().CheckSpec(shown); r == nil || r.Subject != "secret" {
		t.Errorf("by old rules: %v", r)
	}
}
