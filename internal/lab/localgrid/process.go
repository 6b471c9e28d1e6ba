package localgrid

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// process is one node of the grid. It ends when its standard input does, so
// that nothing is left running whatever becomes of this process.
type process struct {
	exe, name, dir, log string
	args                []string

	mu    sync.Mutex
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{} // closed when cmd has ended
}

// startTime is how long a process may take until it serves.
const startTime = 30 * time.Second

// start runs the process and waits for its first line, by which it says that
// it serves.
func (p *process) start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.exe, append(p.args, "--with-parent")...)
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.stdin, p.done = cmd, stdin, make(chan struct{})
	ready := make(chan struct{})
	go p.follow(stdout, ready, p.done)
	return p.awaitReady(ctx, ready)
}

// follow reads the process's output to its end, and then reaps it.
func (p *process) follow(stdout io.Reader, ready, done chan<- struct{}) {
	lines := bufio.NewScanner(stdout)
	if lines.Scan() {
		close(ready)
	}
	for lines.Scan() {
	}
	_ = p.cmd.Wait() // it says how it was killed
	close(done)
}

func (p *process) awaitReady(ctx context.Context, ready <-chan struct{}) error {
	timer := time.NewTimer(startTime)
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-p.done:
		return fmt.Errorf("start %s: %s", p.name, p.lastWords())
	case <-timer.C:
		return fmt.Errorf("start %s: not ready after %v: see %s", p.name, startTime, p.log)
	case <-ctx.Done():
		return fmt.Errorf("start %s: %w", p.name, ctx.Err())
	}
}

// lastWords is the end of the process's log.
func (p *process) lastWords() string {
	data, err := os.ReadFile(p.log)
	if err != nil || len(data) == 0 {
		return "it ended at once"
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

func (p *process) kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.name, err)
	}
	<-p.done
	return nil
}

// stop has the process end as it does when its parent is gone.
func (p *process) stop(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return nil
	}
	_ = p.stdin.Close() // it may have ended
	select {
	case <-p.done:
		return nil
	case <-time.After(startTime):
		return fmt.Errorf("stop %s: it runs on after %v: see %s", p.name, startTime, p.log)
	case <-ctx.Done():
		return fmt.Errorf("stop %s: %w", p.name, ctx.Err())
	}
}

func (p *process) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done == nil {
		return true
	}
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}
