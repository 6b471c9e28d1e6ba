package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
)

// bareProcess is a warm process that runs a module on wazero alone.
type bareProcess struct {
	cmd     *exec.Cmd
	in      io.Closer
	orders  *json.Encoder
	answers *json.Decoder
	compile time.Duration
}

func startBare(ctx context.Context, b *bench, v variant, language guests.Language, name string) (runner, error) {
	path, err := b.module(ctx, language, name, v)
	if err != nil {
		return nil, err
	}
	return newBareProcess(ctx, b, path)
}

func startContextDone(ctx context.Context, b *bench, v variant, language guests.Language, name string) (runner, error) {
	path, err := b.module(ctx, language, name, v)
	if err != nil {
		return nil, err
	}
	return newBareProcess(ctx, b, "--context-done", path)
}

// newBareProcess returns when the module is compiled.
func newBareProcess(ctx context.Context, b *bench, args ...string) (*bareProcess, error) {
	cmd := exec.CommandContext(ctx, b.exe, append([]string{bareMode}, args...)...)
	cmd.Stderr = os.Stderr
	diesWithUs(cmd)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.idle.start(cmd); err != nil {
		return nil, err
	}
	p := &bareProcess{cmd: cmd, in: in, orders: json.NewEncoder(in), answers: json.NewDecoder(out)}
	var first bareAnswer
	if err := p.answers.Decode(&first); err != nil {
		p.close()
		return nil, fmt.Errorf("start bare wazero: %w", err)
	}
	p.compile = first.Took
	return p, nil
}

func (p *bareProcess) close() {
	_ = p.in.Close()
	_ = p.cmd.Wait() // its runs have said what went wrong
}

func (p *bareProcess) run(_ context.Context, args []string, times int) (sample, error) {
	before, err := processTime(p.cmd.Process.Pid)
	if err != nil {
		return sample{}, err
	}
	if err := p.orders.Encode(bareOrder{args, times}); err != nil {
		return sample{}, err
	}
	var a bareAnswer
	if err := p.answers.Decode(&a); err != nil {
		return sample{}, fmt.Errorf("run on bare wazero: %w", err)
	}
	after, err := processTime(p.cmd.Process.Pid)
	return measured(a.Took, after-before, a.Output).per(times), err
}

// measured takes the clock for CPU time where the system tells none.
func measured(wall, cpu time.Duration, output string) sample {
	if cpu == 0 {
		cpu = wall
	}
	return sample{wall, cpu, output}
}
