package refusal

import "testing"

func TestAnErrorGivesWhatItHas(t *testing.T) {
	for want, e := range map[string]Error{
		"it is text; compile it":   {Reason: NotWasm, Found: "it is text", Next: "compile it"},
		"compile module: it fails": {Reason: Uncompilable, Found: "compile module: it fails"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
