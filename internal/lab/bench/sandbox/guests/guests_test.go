package guests

import (
	"context"
	"os/exec"
	"strconv"
	"testing"
)

// TestLanguagesAgree runs the native builds: a guest of one name must compute
// the same thing in every language.
func TestLanguagesAgree(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	lines := map[string]string{}
	for _, language := range Languages {
		tools, err := Find(ctx, language)
		if err != nil {
			t.Logf("%s is not tried: %v", language, err)
			continue
		}
		for _, g := range All() {
			if g.Sizes[language] == 0 {
				continue
			}
			path, err := tools.Native(ctx, g.Name, dir)
			if err != nil {
				t.Fatal(err)
			}
			line, err := exec.Command(path, strconv.Itoa(g.Small)).Output()
			if err != nil || len(line) == 0 {
				t.Fatalf("%s in %s: %q, %v", g.Name, language, line, err)
			}
			if first, ok := lines[g.Name]; ok && first != string(line) {
				t.Errorf("%s in %s prints %q; want %q", g.Name, language, line, first)
			}
			lines[g.Name] = string(line)
		}
	}
}
