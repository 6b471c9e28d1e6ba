// Notices writes THIRD_PARTY.md: the modules that are compiled into the anthill binary on
// any of its platforms, with their licences. With -check it only says whether the file is
// as it would be written.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// path is the file that is written.
const path = "THIRD_PARTY.md"

// platforms are those for which there are binaries.
var platforms = []string{"linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"}

func main() {
	check := flag.Bool("check", false, "fail if the file is not as it would be written")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "notices:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	modules, err := compiledIn()
	if err != nil {
		return err
	}
	text, err := write(modules)
	if err != nil {
		return err
	}
	if !check {
		return os.WriteFile(path, text, 0o644)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, text) {
		return errors.Join(err, fmt.Errorf("%s is not what the binary is made of; run: make notices, and commit the result", path))
	}
	return nil
}

// module is one that is compiled in, and where its source lies.
type module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *module
}

// compiledIn lists them in the order of their paths.
func compiledIn() (list []module, err error) {
	seen := map[string]bool{}
	for _, platform := range platforms {
		system, processor, _ := strings.Cut(platform, "/")
		cmd := exec.Command("go", "list", "-deps", "-json=Module", ".")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+system, "GOARCH="+processor)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("list what is compiled in for %s: %w", platform, err)
		}
		for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
			var pkg struct{ Module *module }
			if err := decoder.Decode(&pkg); err == io.EOF {
				break
			} else if err != nil {
				return nil, err
			}
			if m := pkg.Module; m != nil && !m.Main && !seen[m.Path] {
				seen[m.Path] = true
				list = append(list, *m)
			}
		}
	}
	slices.SortFunc(list, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	return list, nil
}

// isLicence fits the names of files that have to go with a binary.
var isLicence = regexp.MustCompile(`(?i)^(un)?(licen[cs]e|copying|notice|patents)([.-].*)?$`)

// licences are the texts of a module.
func (m module) licences() (texts []string, err error) {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() || !isLicence.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, tidy(string(text)))
	}
	if len(texts) == 0 {
		return nil, fmt.Errorf("%s has no licence: look at what may be done with it", m.Path)
	}
	return texts, nil
}

// tidy takes out by what equal texts differ.
func tidy(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// write lists the modules, and then each text once.
func write(modules []module) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# What is compiled into the anthill binary\n\n" +
		"Written by `make notices` from what the binary is made of. Each module's source is where its\n" +
		"path says, in the version given here; those under the Mozilla Public License 2.0 are used\n" +
		"unchanged. The Go standard library is in the binary too, see https://go.dev/LICENSE.\n\n" +
		"| module | version | texts |\n|---|---|---|\n")
	numbers, texts := map[string]int{}, []string{}
	for _, m := range modules {
		if m.Replace != nil {
			m.Version, m.Dir = m.Replace.Version, m.Replace.Dir
		}
		list, err := m.licences()
		if err != nil {
			return nil, err
		}
		var named []string
		for _, text := range list {
			if numbers[text] == 0 {
				texts = append(texts, text)
				numbers[text] = len(texts)
			}
			named = append(named, fmt.Sprintf("[%d](#text-%d)", numbers[text], numbers[text]))
		}
		fmt.Fprintf(&b, "| [%s](https://pkg.go.dev/%s@%s) | %s | %s |\n", m.Path, m.Path, m.Version, m.Version, strings.Join(named, ", "))
	}
	for i, text := range texts {
		fmt.Fprintf(&b, "\n## Text %d\n\n~~~\n%s\n~~~\n", i+1, text)
	}
	return b.Bytes(), nil
}
