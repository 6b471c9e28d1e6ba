package sdk

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// python is the runtime whose scripts can have modules.
const python = "python"

// modulesFile is the data file with a script's modules.
const modulesFile = "modules.zip"

func (f *JobFile) checkRuntime() error {
	switch {
	case f.Runtime == "" && f.Script != "":
		return f.wrong("script", "add a line such as 'runtime: python'", "it needs a runtime")
	case f.Runtime == "" && f.Modules != nil:
		return f.wrong("modules", "add the lines 'runtime: python' and 'script: main.py'", "they need a runtime")
	case f.Modules != nil && f.Runtime != python:
		return f.wrong("modules", "give what the script needs as 'data'", "only python has them, found %s", f.Runtime)
	case f.Runtime != "" && f.Script == "" && len(f.Args) == 0:
		return f.wrong("script", "add the path of a program, such as 'script: main.py'; or the interpreter's own 'args'", "missing")
	}
	for _, name := range f.ownData() {
		if _, taken := f.Data[name]; taken {
			return f.wrong("data."+name, "rename it", "the script, or its modules, have this name")
		}
	}
	return nil
}

// ownData are the data files that script and modules become.
func (f *JobFile) ownData() (names []string) {
	if f.Script != "" {
		names = append(names, f.scriptName())
	}
	if f.Modules != nil {
		names = append(names, modulesFile)
	}
	return names
}

// scriptName is the script as a data file: called as it is, so that tracebacks name it.
func (f *JobFile) scriptName() string { return path.Base(filepath.ToSlash(f.Script)) }

// Plain is the job without script and modules: with the arguments, variables and data
// files by which its runtime is started. The modules are put together in a file in dir. A
// bundle that is still empty then is the grid's to give.
func (f *JobFile) Plain(dir string) (*JobFile, error) {
	if f.Runtime == "" {
		return f, nil
	}
	plain := *f
	plain.Script, plain.Modules = "", nil
	plain.Data = maps.Clone(f.Data)
	if plain.Data == nil {
		plain.Data = map[string]string{}
	}
	if f.Script != "" {
		if _, err := f.measure("script", f.Script); err != nil {
			return nil, err
		}
		plain.Data[f.scriptName()] = f.Script
		plain.Args = append([]string{"/data/" + f.scriptName()}, f.Args...)
	}
	if f.Runtime != python {
		return &plain, nil
	}
	// What a set is ordered by must be the same on all machines.
	plain.Env = map[string]string{"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
	if f.Modules != nil {
		zip := filepath.Join(dir, modulesFile)
		if err := f.packModules(zip); err != nil {
			return nil, err
		}
		plain.Data[modulesFile], plain.made = zip, zip
		plain.Env["PYTHONPATH"] = "/data/" + modulesFile
	}
	maps.Copy(plain.Env, f.Env)
	return &plain, nil
}

// fromGrid: the bundle is what the grid has for the runtime.
func (f *JobFile) fromGrid() bool { return f.Runtime != "" && f.Bundle == "" }

// resolveRuntime asks the grid for the interpreter.
func (p *Prepared) resolveRuntime(ctx context.Context, g *Grid) error {
	if !p.file.fromGrid() {
		return nil
	}
	list, err := g.Runtimes(ctx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(list, func(r *anthillv1.Runtime) bool { return r.GetName() == p.file.Runtime && r.GetOwner() != "" })
	if at < 0 {
		at = slices.IndexFunc(list, func(r *anthillv1.Runtime) bool { return r.GetName() == p.file.Runtime })
	}
	if at < 0 {
		return problem.NotFound(addRuntime(p.file.Runtime), "job %s: runtime %s: the grid has none of this name", p.spec.Name, p.file.Runtime)
	}
	r := list[at]
	if r.GetCopies() == 0 {
		return &problem.Problem{Kind: problem.ErrRefused, Message: "job " + p.spec.Name + ": runtime " + r.GetName() + ": the grid has no copy of it", Next: addRuntime(r.GetName())}
	}
	id, err := blob.IDFrom(r.GetRef().GetId())
	if err != nil {
		return err
	}
	ref := blob.Ref{ID: id, Size: r.GetRef().GetSize()}
	p.size += ref.Size - p.spec.Bundle.Size
	p.spec.Bundle = ref
	return nil
}

func addRuntime(name string) string { return "add it: anthill runtime add " + name + " FILE.wasm" }

// Runtimes describes the interpreters that jobs of this owner can name.
func (g *Grid) Runtimes(ctx context.Context) ([]*anthillv1.Runtime, error) {
	resp, err := call(ctx, g, "list runtimes", func(ctx context.Context) (*anthillv1.ListRuntimesResponse, error) {
		return g.blobs.ListRuntimes(ctx, &anthillv1.ListRuntimesRequest{})
	})
	return resp.GetRuntimes(), err
}

// AddRuntime puts an interpreter, and names it: for the whole grid if this identity is an
// operator's, otherwise for its owner. It returns the blob's id. Its errors are those of
// Put; a module that the grid would not run is of kind ErrInvalid.
func (g *Grid) AddRuntime(ctx context.Context, name, path string, opts PutOptions) (string, error) {
	if err := checkInterpreter(ctx, name, path); err != nil {
		return "", err
	}
	opts.Name = cmp.Or(opts.Name, "runtime "+name)
	id, err := g.Put(ctx, path, opts)
	if err != nil {
		return "", err
	}
	parsed, err := blob.ParseID(id)
	if err != nil {
		return "", err
	}
	return id, g.nameRuntime(ctx, name, parsed[:])
}

// RemoveRuntime takes a runtime's name back. The blob stays, as a dataset.
func (g *Grid) RemoveRuntime(ctx context.Context, name string) error {
	return g.nameRuntime(ctx, name, nil)
}

func (g *Grid) nameRuntime(ctx context.Context, name string, id []byte) error {
	req := &anthillv1.NameRuntimeRequest{Name: name, Blob: id, RequestId: rand.Text()}
	_, err := call(ctx, g, "name runtime", func(ctx context.Context) (*anthillv1.NameRuntimeResponse, error) {
		return g.blobs.NameRuntime(ctx, req)
	})
	return err
}

// checkInterpreter screens a module as that of a job: every job with it would be refused
// otherwise.
func checkInterpreter(ctx context.Context, name, path string) (err error) {
	file := &JobFile{Name: name, Bundle: path, Input: Input{Items: []any{""}}}
	if err := file.Check(); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return invalid("name the WASM module itself", "runtime %s: %s is a directory", name, path)
	}
	prepared, err := Prepare(ctx, file)
	if err != nil {
		return renamed(err, name)
	}
	return prepared.Close()
}

// renamed is an error about a job's bundle as one about a runtime.
func renamed(err error, name string) error {
	var p *problem.Problem
	if !errors.As(err, &p) {
		return err
	}
	message := strings.TrimPrefix(p.Message, "job: bundle: ")
	return &problem.Problem{Kind: p.Kind, Message: "runtime " + name + ": " + message, Next: p.Next, Cause: err}
}
