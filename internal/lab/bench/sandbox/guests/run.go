package guests

import (
	"context"
	"errors"
	"math"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// Run runs a compiled module once, be it rewritten or not, and returns the
// fuel that it used, which is 0 without rewriting. An exit with code 0 is no
// error.
func Run(ctx context.Context, r wazero.Runtime, code wazero.CompiledModule, config wazero.ModuleConfig) (used int64, err error) {
	instance, err := r.InstantiateModule(ctx, code, config.WithName("").WithStartFunctions())
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, instance.Close(ctx)) }()
	if fuel, ok := instance.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal); ok {
		fuel.Set(math.MaxInt64)
		defer func() { used = math.MaxInt64 - int64(fuel.Get()) }()
	}
	for _, name := range []string{rewrite.StartExport, "_start"} {
		function := instance.ExportedFunction(name)
		if function == nil {
			continue
		}
		_, err := function.Call(ctx)
		var exit *sys.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == 0 {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
	}
	return 0, nil
}
