// Command runner runs a module on one engine of wazero and writes the module's
// output, a line that tells how it ended and how much fuel it used, and nothing
// else: what must be the same on every engine and machine. The guest finds what it
// finds in a slot, for a task with a seed of zeros and no data files.
//
//	runner compiler|interpreter MODULE [ARGUMENT...]
package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"testing/fstest"
	_ "unsafe" // for linkname

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// callStackCeiling is how many frames the interpreter allows. The default of
// 2000 is less than what rewritten guests may have.
//
//go:linkname callStackCeiling github.com/tetratelabs/wazero/internal/engine/interpreter.callStackCeiling
var callStackCeiling int

func main() {
	callStackCeiling = 1 << 20
	module, err := os.ReadFile(os.Args[2])
	if err == nil {
		err = run(os.Args[1], module, os.Args[3:], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "runner:", err)
		os.Exit(1)
	}
}

func run(engine string, module []byte, args []string, out io.Writer) error {
	config := wazero.NewRuntimeConfigCompiler()
	if engine == "interpreter" {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config.WithMemoryLimitPages(4096))
	defer func() { _ = r.Close(ctx) }()
	host := r.NewHostModuleBuilder(wasi_snapshot_preview1.ModuleName)
	var paid prices.Host
	if _, err := paid.Export(ctx, host); err != nil {
		return fmt.Errorf("put prices on host: %w", err)
	}
	if _, err := host.Instantiate(ctx); err != nil {
		return fmt.Errorf("instantiate host: %w", err)
	}
	code, err := r.CompileModule(ctx, module)
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	random, err := newRandom()
	if err != nil {
		return fmt.Errorf("make random source: %w", err)
	}
	var output bytes.Buffer
	args = append([]string{"task"}, args...)
	bill := &prices.Bill{}
	paid.Serve(prices.Guest{Rules: prices.ByWork, Args: args, Bill: bill})
	used, err := guests.Run(ctx, r, code, wazero.NewModuleConfig().
		WithArgs(args...).WithStdin(&bytes.Buffer{}).WithStdout(stream{&output, bill, math.MaxInt}).WithStderr(stream{io.Discard, bill, logKept}).
		WithRandSource(random).WithFSConfig(wazero.NewFSConfig().WithFSMount(fstest.MapFS{}, "/data")))
	fmt.Fprintf(&output, "\n%s with fuel %d\n", end(err), used)
	_, err = output.WriteTo(out)
	return err
}

// logKept is how much of a log a slot keeps.
const logKept = 4 << 10

// stream puts on the bill what a slot's streams do.
type stream struct {
	io.Writer
	bill *prices.Bill
	most int
}

func (s stream) Write(p []byte) (int, error) {
	s.bill.Add(prices.Buffer + prices.Bytes(min(len(p), s.most)))
	return s.Writer.Write(p)
}

// newRandom gives the bytes of the sandbox's source, which is AES in counter mode.
func newRandom() (io.Reader, error) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		return nil, err
	}
	return cipher.StreamReader{S: cipher.NewCTR(block, make([]byte, aes.BlockSize)), R: zeros{}}, nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// end tells how the guest ended. The words of a trap are the engine's own.
func end(err error) string {
	var exit *sys.ExitError
	switch {
	case err == nil:
		return "exited with 0"
	case errors.As(err, &exit):
		return fmt.Sprintf("exited with %d", exit.ExitCode())
	}
	return "trapped"
}
