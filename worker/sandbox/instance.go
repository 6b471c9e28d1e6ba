package sandbox

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental/sysfs"
	"github.com/tetratelabs/wazero/sys"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
	"github.com/anthill-grid/anthill/worker/sandbox/region"
)

// programName is what the guest sees as its name (argv[0]).
const programName = "task"

// run executes the module once, in an instance of its own. Meanwhile it tells how
// much fuel that has used.
func (m *compiled) run(ctx context.Context, o order, tell func(fuel uint64)) (report, []byte) {
	files, err := openData(o.request.Data)
	if err != nil {
		return failure(err), nil
	}
	input, err := openInput(o)
	if err != nil {
		return failure(err), nil
	}
	defer input.close()
	output := &limitedBuffer{limit: o.request.Output}
	log := &tail{limit: stderrKept}
	config, err := moduleConfig(o.request, files)
	if err != nil {
		return failure(err), nil
	}

	bill := &prices.Bill{}
	files.bill, input.bill, output.bill, log.bill = bill, bill, bill, bill
	m.host.Serve(prices.Guest{Rules: o.request.Metering, Args: o.request.args(), Env: o.request.env(), Bill: bill})

	start := time.Now()
	r := m.execute(ctx, config.WithStdin(input).WithStdout(output).WithStderr(log), output, o.request.Fuel, tell)
	r.Elapsed = time.Since(start)
	r.Stderr = log.bytes()
	if err := errors.Join(input.err, files.err); err != nil {
		// The guest computed on bytes that it did not get.
		return failure(fmt.Errorf("read for the guest: %w", err)), nil
	}
	if r.Status != Exited {
		return r, nil
	}
	return r, output.content
}

func (m *compiled) execute(ctx context.Context, config wazero.ModuleConfig, output *limitedBuffer, fuel int64, tell func(uint64)) report {
	ctx, release := region.With(ctx)
	defer release()
	instance, err := m.runtime.InstantiateModule(ctx, m.code, config)
	if err != nil {
		return judge(err, Refused, output)
	}
	defer func() { _ = instance.Close(ctx) }()
	start := instance.ExportedFunction("_start")
	if start == nil {
		return report{Status: Refused, Reason: "module exports no function _start"}
	}
	g := gauges{
		memory: instance.Memory(), counting: &m.host,
		fuel: instance.ExportedGlobal(rewrite.FuelExport), depth: instance.ExportedGlobal(rewrite.DepthExport),
	}
	g.fill(fuel)
	if !m.key.interpreter { // whose globals are not to be read beside it
		defer g.watch(fuel, tell)()
	}
	// What was the module's start function comes first, since it runs on fuel.
	if first := instance.ExportedFunction(rewrite.StartExport); first != nil {
		err = call(ctx, first)
	}
	if err == nil {
		err = call(ctx, start)
	}
	return g.read(judge(err, Trapped, output), fuel)
}

// gauges are what the rewriter gave the module to count with, nil where it did
// not. They can be read also after the guest has trapped or left.
type gauges struct {
	memory      api.Memory
	fuel, depth api.Global
	counting    sync.Locker // is held where the host changes the fuel of a running guest
}

// budget is the fuel of a guest with a limit, 0 for none.
func budget(limit int64) int64 {
	if limit == 0 {
		return math.MaxInt64
	}
	return limit
}

func (g gauges) fill(limit int64) {
	if fuel, ok := g.fuel.(api.MutableGlobal); ok {
		fuel.Set(uint64(budget(limit)))
	}
}

// read adds to a report what the gauges tell.
func (g gauges) read(r report, limit int64) report {
	if g.depth != nil && r.Status == Trapped && int32(g.depth.Get()) < 0 {
		r.Reason = "calls nest too deep: a recursion that does not end, or one for a loop"
	}
	if g.fuel != nil {
		r.Fuel = uint64(budget(limit) - int64(g.fuel.Get()))
	}
	r = r.within(limit)
	if g.memory != nil && r.Status != Killed {
		pages, _ := g.memory.Grow(0) // Size has 32 bits, which 4 GiB overflow
		r.Memory = int64(pages) * pageSize
	}
	return r
}

// within is the report of a guest with a limit of fuel, 0 for none. One that
// went beyond it has used the limit, wherever it was when that was noticed.
func (r report) within(fuel int64) report {
	if fuel == 0 || r.Fuel <= uint64(fuel) {
		return r
	}
	return report{Status: OutOfFuel, Reason: fmt.Sprintf("the task needed more than its limit of %d units of fuel", fuel), Fuel: uint64(fuel)}
}

func call(ctx context.Context, start api.Function) error {
	_, err := start.Call(ctx)
	return err
}

// judge turns the error of a guest into its status, which is otherwise for
// any error that has no status of its own.
func judge(err error, otherwise Status, output *limitedBuffer) report {
	var exit *sys.ExitError
	switch {
	case output.exceeded:
		return report{
			Status: OutputExceeded,
			Reason: fmt.Sprintf("the task wrote more than its output limit of %d bytes", output.limit),
		}
	case err == nil:
		return report{Status: Exited}
	case errors.As(err, &exit):
		return report{Status: Exited, ExitCode: exit.ExitCode()}
	}
	if reason, fault := engineFault(err, otherwise == Trapped); fault {
		return report{Status: Killed, Reason: clip(reason)}
	}
	return report{Status: otherwise, Reason: clip(err.Error())}
}

func moduleConfig(req request, files *dataFS) (wazero.ModuleConfig, error) {
	random, err := newRandom(req.Seed)
	if err != nil {
		return nil, err
	}
	mounts, ok := wazero.NewFSConfig().(sysfs.FSConfig)
	if !ok {
		return nil, errors.New("mount data files: the engine has no file systems")
	}
	readOnly := &sysfs.ReadFS{FS: &sysfs.AdaptFS{FS: files}}
	config := wazero.NewModuleConfig().
		WithName(""). // instances without a name do not collide
		WithStartFunctions().
		WithArgs(req.args()...).
		WithRandSource(random).
		WithFSConfig(mounts.WithSysFSMount(readOnly, "/data"))
	for _, pair := range req.env() {
		key, value, _ := strings.Cut(pair, "=")
		config = config.WithEnv(key, value)
	}
	return config, nil
}

// args are the guest's arguments with its name.
func (r request) args() []string { return append([]string{programName}, r.Args...) }

// env are the pairs of which the last of a key counts, in the place of the first.
func (r request) env() []string {
	at, list := map[string]int{}, make([]string, 0, len(r.Env))
	for _, pair := range r.Env {
		key, _, _ := strings.Cut(pair, "=")
		if i, again := at[key]; again {
			list[i] = pair
			continue
		}
		at[key] = len(list)
		list = append(list, pair)
	}
	return list
}

// clip bounds a text that a guest can make long.
func clip(text string) string {
	const most = 2 << 10
	if len(text) > most {
		return strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
