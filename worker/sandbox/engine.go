package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
)

// modulesKept is how many compiled modules a child remembers. A slot works on
// one bundle for a while, so a few are enough, and each costs some 20 MB.
const modulesKept = 4

// moduleKey names a compiled module. The engine fixes the memory limit when it
// decodes a module, so each limit has a module of its own. The stubs of unknown
// imports belong to its runtime too.
type moduleKey struct {
	id          string
	pages       uint32
	trap        bool // calls of unknown imports, instead of refusing the module
	interpreter bool
}

// module is a compiled module with the runtime that it belongs to.
type module struct {
	key     moduleKey
	cache   wazero.CompilationCache
	runtime wazero.Runtime
	code    wazero.CompiledModule

	counting sync.Mutex // is held where the host touches the fuel of a running guest
}

// engine keeps the modules that were used last, the newest at the end.
type engine struct {
	modules []*module
	bounds  bounds
}

// module gives the request's module, compiled. The error is a *refusal if the
// module itself is to blame.
func (e *engine) module(ctx context.Context, req request) (*module, error) {
	key := moduleKey{id: req.ModuleID, pages: uint32(req.Memory / pageSize), trap: req.TrapUnknown, interpreter: req.Interpreter}
	at := slices.IndexFunc(e.modules, func(m *module) bool { return m.key == key })
	if at >= 0 {
		m := e.modules[at]
		e.modules = append(slices.Delete(e.modules, at, at+1), m)
		return m, nil
	}
	e.bounds.enterCompile()
	m, err := load(ctx, req, key)
	if err != nil {
		return nil, err
	}
	if len(e.modules) == modulesKept {
		e.modules[0].close(ctx)
		e.modules = slices.Delete(e.modules, 0, 1)
	}
	e.modules = append(e.modules, m)
	return m, nil
}

func (e *engine) close(ctx context.Context) {
	for _, m := range e.modules {
		m.close(ctx)
	}
	e.modules = nil
}

// load screens the module, rewrites it and compiles it, the latter two by the
// cache where that has it.
func load(ctx context.Context, req request, key moduleKey) (*module, error) {
	source, err := readModule(req.Module)
	if err != nil {
		return nil, err
	}
	if err := screen.Check(source, screen.Options{Memory: req.Memory, TrapUnknown: req.TrapUnknown}); err != nil {
		return nil, &refusal{err}
	}
	if key.interpreter { // there is no code to keep
		return loadFresh(ctx, source, req, key)
	}
	entry, err := openEntry(req.CacheDir, entryName(req))
	if err != nil {
		// A full or broken disk costs time, not the task.
		return loadFresh(ctx, source, req, key)
	}
	defer entry.release()
	rewritten, err := entry.rewritten(source, req.Rewrite)
	if err != nil {
		return nil, err
	}
	m, err := compile(ctx, rewritten, key, entry.cache)
	if err != nil {
		// Without the cache it shows whether the module or the cache is bad.
		return loadFresh(ctx, source, req, key)
	}
	entry.seal()
	return m, nil
}

// loadFresh does without the cache.
func loadFresh(ctx context.Context, source []byte, req request, key moduleKey) (*module, error) {
	rewritten, err := rewriteModule(source, req.Rewrite)
	if err != nil {
		return nil, err
	}
	return compile(ctx, rewritten, key, wazero.NewCompilationCache())
}

// rewriteModule gives the module that is run in the place of the submitter's.
func rewriteModule(source []byte, o rewrite.Options) ([]byte, error) {
	if o == (rewrite.Options{}) {
		return source, nil
	}
	r, err := rewrite.Rewrite(source, o)
	if err != nil {
		return nil, &refusal{err}
	}
	return r.Module, nil
}

func readModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open module: %w", err)
	}
	defer func() { _ = f.Close() }()
	source, err := io.ReadAll(io.LimitReader(f, screen.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("read module: %w", err)
	}
	return source, nil
}

// compile takes over the cache and closes it with the module, or at once if
// that fails.
func compile(ctx context.Context, source []byte, key moduleKey, cache wazero.CompilationCache) (*module, error) {
	m := &module{key: key, cache: cache}
	config := wazero.NewRuntimeConfig()
	if key.interpreter {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, config.
		WithCompilationCache(cache).
		WithMemoryLimitPages(key.pages).
		WithDebugInfoEnabled(false))
	var err error
	if m.code, err = m.runtime.CompileModule(ctx, source); err != nil {
		m.close(ctx)
		return nil, &refusal{fmt.Errorf("compile module: %w", err)}
	}
	if err := setUpImports(ctx, m, key.trap); err != nil {
		m.close(ctx)
		return nil, fmt.Errorf("set up the task ABI: %w", err)
	}
	return m, nil
}

func (m *module) close(ctx context.Context) {
	// Both only free memory; there is nothing to do about an error.
	_ = errors.Join(m.runtime.Close(ctx), m.cache.Close(ctx))
}
