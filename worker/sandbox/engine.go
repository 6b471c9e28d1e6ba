package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/module/wasm"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
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
	rewrite     rewrite.Options
}

func keyOf(req request) moduleKey {
	return moduleKey{id: req.ModuleID, pages: uint32(req.Memory / pageSize), trap: req.TrapUnknown, interpreter: req.Interpreter, rewrite: req.Rewrite}
}

// compiled is a compiled module with the runtime that it belongs to.
type compiled struct {
	key     moduleKey
	cache   wazero.CompilationCache
	runtime wazero.Runtime
	code    wazero.CompiledModule
	host    prices.Host
}

// engine keeps the modules that were used last, the newest at the end.
type engine struct {
	modules []*compiled
	bounds  bounds
}

// compiled gives the request's module, compiled. The error is a *refusal.Error if the
// module itself is to blame.
func (e *engine) compiled(ctx context.Context, req request) (*compiled, error) {
	key := keyOf(req)
	at := slices.IndexFunc(e.modules, func(m *compiled) bool { return m.key == key })
	if at >= 0 {
		m := e.modules[at]
		e.modules = append(slices.Delete(e.modules, at, at+1), m)
		return m, nil
	}
	e.bounds.enterCompile()
	m, _, err := load(ctx, req, key)
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

// compileOnly has the cache get a request's module, and says whether it has.
func (e *engine) compileOnly(ctx context.Context, req request) (kept bool, err error) {
	e.bounds.enterCompile()
	m, kept, err := load(ctx, req, keyOf(req))
	if err == nil {
		m.close(ctx)
	}
	return kept, err
}

func (e *engine) close(ctx context.Context) {
	for _, m := range e.modules {
		m.close(ctx)
	}
	e.modules = nil
}

// load screens the module, rewrites it and compiles it, the latter two by the
// cache where that has it, or is to have it. It says whether the cache has it now.
func load(ctx context.Context, req request, key moduleKey) (m *compiled, kept bool, err error) {
	bytes, err := readModule(req.Module)
	if err != nil {
		return nil, false, err
	}
	decoded, _, err := screen.Decode(bytes, screen.Options{Memory: req.Memory, TrapUnknown: req.TrapUnknown})
	if err != nil {
		return nil, false, err
	}
	s := &source{bytes, decoded}
	if req.Entry == "" || key.interpreter { // there is no code to keep
		m, err = loadFresh(ctx, s, req, key)
		return m, false, err
	}
	if m, err = loadKept(ctx, s, req, key); err != nil {
		// Without the cache it shows whether the module or the cache is bad: a full or
		// broken disk costs time, not the task.
		m, err = loadFresh(ctx, s, req, key)
		return m, false, err
	}
	return m, true, nil
}

// loadKept does with the cache.
func loadKept(ctx context.Context, s *source, req request, key moduleKey) (*compiled, error) {
	path := filepath.Join(req.Entry, sourceName)
	var rewritten []byte
	var err error
	if req.Compile {
		if rewritten, err = s.rewrite(req.Rewrite); err == nil {
			err = os.WriteFile(path, rewritten, 0o600)
		}
	} else {
		rewritten, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, err
	}
	cache, err := wazero.NewCompilationCacheWithDir(req.Entry)
	if err != nil {
		return nil, err
	}
	return compile(ctx, rewritten, key, cache)
}

// loadFresh does without the cache.
func loadFresh(ctx context.Context, s *source, req request, key moduleKey) (*compiled, error) {
	rewritten, err := s.rewrite(req.Rewrite)
	if err != nil {
		return nil, err
	}
	return compile(ctx, rewritten, key, wazero.NewCompilationCache())
}

// source is a submitter's module.
type source struct {
	bytes   []byte
	decoded *wasm.Module // as the screen has left it; nil once it is used up
}

// rewrite gives the module that is run in its place.
func (s *source) rewrite(o rewrite.Options) ([]byte, error) {
	if o == (rewrite.Options{}) {
		return s.bytes, nil
	}
	var r rewrite.Rewritten
	var err error
	if s.decoded == nil {
		r, err = rewrite.Rewrite(s.bytes, o)
	} else {
		r, err = rewrite.Module(s.decoded, o)
		s.decoded = nil
	}
	return r.Module, err
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
func compile(ctx context.Context, source []byte, key moduleKey, cache wazero.CompilationCache) (*compiled, error) {
	m := &compiled{key: key, cache: cache}
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
		return nil, refuse(fmt.Errorf("compile module: %w", err))
	}
	if err := setUpImports(ctx, m, key.trap); err != nil {
		m.close(ctx)
		return nil, fmt.Errorf("set up the task ABI: %w", err)
	}
	return m, nil
}

// refuse blames the module for what the engine says of it.
func refuse(err error) error {
	return &refusal.Error{Reason: refusal.Uncompilable, Found: err.Error()}
}

func (m *compiled) close(ctx context.Context) {
	// Both only free memory; there is nothing to do about an error.
	_ = errors.Join(m.runtime.Close(ctx), m.cache.Close(ctx))
}
