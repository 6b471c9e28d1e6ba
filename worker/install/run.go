package install

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/kardianos/service"
)

func run(program string, args ...string) error {
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Run runs a worker until ctx ends or, where Windows has started it as a service, until
// that is stopped.
func Run(ctx context.Context, work func(context.Context) error) error {
	if runtime.GOOS != "windows" || service.Interactive() {
		return work(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &program{ctx: ctx, cancel: cancel, work: work, ended: make(chan error, 1)}
	svc, err := service.New(p, &service.Config{Name: name})
	if err != nil {
		return err
	}
	return svc.Run()
}

// program is a worker as a service on Windows has it.
type program struct {
	ctx    context.Context
	cancel func()
	work   func(context.Context) error
	ended  chan error
}

func (p *program) Start(svc service.Service) error {
	go func() { p.ended <- p.work(p.ctx) }()
	return nil
}

func (p *program) Stop(service.Service) error {
	p.cancel()
	return <-p.ended
}
