package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/anthill-grid/anthill/internal/module/screen"
)

// setUpImports gives the module what it imports: the task ABI and, if unknown
// imports are to trap, a stub for each other function. The error is a *refusal.Error
// if the module wants a stub that cannot be.
func setUpImports(ctx context.Context, m *compiled, trap bool) error {
	host := m.runtime.NewHostModuleBuilder(screen.ABI)
	known, err := m.host.Export(ctx, host)
	if err != nil {
		return err
	}
	hosts := map[string]wazero.HostModuleBuilder{screen.ABI: host}
	if trap {
		addStubs(m, hosts, known)
	}
	for _, from := range slices.Sorted(maps.Keys(hosts)) {
		if err := instantiateHost(ctx, m.runtime, hosts[from]); err != nil && from != screen.ABI {
			return refuse(fmt.Errorf("stand in for the imports from %q: %w", clip(from), err))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// instantiateHost calls none of the functions. The engine would call one that has
// the name _start, as a stub of the guest's making may.
func instantiateHost(ctx context.Context, runtime wazero.Runtime, host wazero.HostModuleBuilder) error {
	code, err := host.Compile(ctx)
	if err != nil {
		return err
	}
	_, err = runtime.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithStartFunctions())
	return err
}

// addStubs stands in for the functions that the grid does not have.
func addStubs(m *compiled, hosts map[string]wazero.HostModuleBuilder, known map[string]api.FunctionDefinition) {
	for _, f := range m.code.ImportedFunctions() {
		from, name, _ := f.Import()
		if from == screen.ABI && known[name] != nil {
			continue
		}
		if hosts[from] == nil {
			hosts[from] = m.runtime.NewHostModuleBuilder(from)
		}
		hosts[from].NewFunctionBuilder().
			WithGoFunction(stub(from, name), f.ParamTypes(), f.ResultTypes()).
			Export(name)
	}
}

// missingImport is how a stub ends a guest.
type missingImport struct{ from, name string }

func (m missingImport) Error() string {
	return fmt.Sprintf("called the import %s.%s, which this grid does not have", printable(m.from), printable(m.name))
}

// printable is a name of the guest's making, fit for a terminal.
func printable(name string) string {
	quoted := strconv.Quote(clip(name))
	return quoted[1 : len(quoted)-1]
}

// stub is a function that traps: the engine makes an error of the panic.
func stub(from, name string) api.GoFunction {
	return api.GoFunc(func(context.Context, []uint64) { panic(missingImport{from, name}) })
}
