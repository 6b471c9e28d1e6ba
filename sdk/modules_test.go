package sdk

import (
	"archive/zip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// tree writes files below a new directory.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		full := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func scriptJob(root string, modules ...string) *JobFile {
	return &JobFile{
		Path: filepath.Join(root, "job.yaml"), Name: "j", Runtime: "python", Script: "main.py", Modules: modules,
		Input: Input{Items: []any{"1"}}, Args: []string{"--fast"}, Env: map[string]string{"PYTHONHASHSEED": "7"},
	}
}

func TestAScriptIsADataFileOfItsRuntime(t *testing.T) {
	root := tree(t, map[string]string{
		"main.py": "", "lib/one.py": "1", "lib/sub/__init__.py": "", "lib/__pycache__/one.pyc": "x", "lib/.hidden": "x",
		"pkg/__init__.py": "", "pkg/data.csv": "1,2", "alone.py": "3",
	})
	dir := t.TempDir()
	plain, err := scriptJob(root, "lib", "pkg", "alone.py").Plain(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(plain.Args, []string{"/data/main.py", "--fast"}) || plain.Data["main.py"] != "main.py" {
		t.Errorf("it is started by %q, with %v", plain.Args, plain.Data)
	}
	if plain.Env["PYTHONHASHSEED"] != "7" || plain.Env["PYTHONPATH"] != "/data/modules.zip" {
		t.Errorf("its variables: %v", plain.Env)
	}
	z, err := zip.OpenReader(plain.Data["modules.zip"])
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if want := []string{"alone.py", "one.py", "pkg/__init__.py", "pkg/data.csv", "sub/__init__.py"}; !slices.Equal(names, want) {
		t.Errorf("its modules are %q, want %q", names, want)
	}
}

func TestModulesThatCannotBeImportedAreRefused(t *testing.T) {
	root := tree(t, map[string]string{
		"main.py": "", "fast/__init__.py": "", "fast/_c.cpython-312-x86_64-linux-gnu.so": "ELF",
		"a/x.py": "1", "b/x.py": "2", "notes.txt": "",
	})
	for want, modules := range map[string][]string{
		"native code":  {"fast"},
		"differs":      {"a", "b"},
		"none of what": {"notes.txt"},
		"no such file": {"missing"},
	} {
		_, err := scriptJob(root, modules...).Plain(t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want a word of %q", modules, err, want)
		}
	}
}

func TestScriptsNeedARuntime(t *testing.T) {
	for want, change := range map[string]func(*JobFile){
		"it needs a runtime": func(f *JobFile) { f.Runtime = "" },
		"script: missing":    func(f *JobFile) { f.Script, f.Args = "", nil },
		"only python":        func(f *JobFile) { f.Runtime = "js" },
		"have this name":     func(f *JobFile) { f.Data = map[string]string{"main.py": "other.py"} },
	} {
		f := scriptJob(t.TempDir(), "lib")
		change(f)
		if err := f.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
