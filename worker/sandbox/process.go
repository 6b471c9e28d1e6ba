package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// complaintKept is how much a dying child's first words may be, in bytes.
const complaintKept = 1 << 10

// errNotStarted says that the child was gone before it had the task.
var errNotStarted = errors.New("child did not take the task")

// process is a child as its parent holds it.
type process struct {
	cmd       *exec.Cmd
	in        *os.File
	out       *os.File
	reader    *bufio.Reader
	complaint *head         // of its standard error; read it after exited
	exited    chan struct{} // closed when it is gone
}

func startProcess(command []string, dir string) (*process, error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start sandbox child: %w", err)
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		_ = errors.Join(childIn.Close(), in.Close())
		return nil, fmt.Errorf("start sandbox child: %w", err)
	}
	p := &process{in: in, out: out, reader: bufio.NewReader(out), complaint: &head{limit: complaintKept}, exited: make(chan struct{})}
	p.cmd = exec.Command(command[0], command[1:]...)
	p.cmd.Dir = dir
	p.cmd.Env = []string{} // not nil, which would mean our own
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = childIn, childOut, p.complaint
	p.cmd.WaitDelay = time.Second
	walls.Isolate(p.cmd)
	err = p.cmd.Start()
	_ = errors.Join(childIn.Close(), childOut.Close())
	if err != nil {
		_ = errors.Join(in.Close(), out.Close())
		return nil, fmt.Errorf("start sandbox child: %w", err)
	}
	go p.wait()
	return p, nil
}

func (p *process) wait() {
	_ = p.cmd.Wait() // how it ended is in ProcessState
	close(p.exited)
}

// kill ends the child and frees its pipes. It may be called again.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
	_ = errors.Join(p.in.Close(), p.out.Close())
}

func (p *process) gone() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// obituary says how the child ended. Call it after kill.
func (p *process) obituary() string {
	first, _, _ := strings.Cut(strings.TrimSpace(string(p.complaint.kept)), "\n")
	if first == "" {
		return p.cmd.ProcessState.String()
	}
	return fmt.Sprintf("%s: %s", p.cmd.ProcessState, strings.ToValidUTF8(first, ""))
}

// setup is what a child needs to know before its first task.
type setup struct {
	// Writable is the one directory that it may write to; empty: there is none.
	Writable string `json:"writable,omitempty"`
	// Readable are the directories that it may read.
	Readable []string `json:"readable,omitempty"`
}

// greet tells the child where it is and hears which walls it has put up.
func (p *process) greet(s setup, w *walls.State) error {
	if err := writeJSON(p.in, frameSetup, s); err != nil {
		return err
	}
	return readJSON(p.reader, frameHello, w)
}

// answer is what came back for a task, or why nothing did.
type answer struct {
	report report
	output []byte
	err    error
}

// exchange sends a task and waits for its answer; it closes running when the
// child says that the guest starts, and tells fuelUsed, unless that is nil, how
// much fuel it has used. It returns when the child dies, at the latest.
func (p *process) exchange(req request, input []byte, running chan<- struct{}, fuelUsed func(fuel uint64)) answer {
	if err := writeJSON(p.in, frameRequest, req); err != nil {
		return answer{err: fmt.Errorf("%w: %w", errNotStarted, err)}
	}
	if err := writeFrame(p.in, frameInput, input); err != nil {
		return answer{err: fmt.Errorf("%w: %w", errNotStarted, err)}
	}
	return p.receive(req.Output, running, fuelUsed)
}

// receive takes either running and a report, or a report alone if the task
// did not come to run.
func (p *process) receive(limit int64, running chan<- struct{}, fuelUsed func(fuel uint64)) answer {
	var a answer
	kind, err := p.reader.Peek(1)
	if err == nil && kind[0] == frameRunning {
		_, err = readFrame(p.reader, frameRunning, 0)
		close(running)
	}
	if err == nil {
		err = p.readFuel(fuelUsed)
	}
	if err == nil {
		err = readJSON(p.reader, frameReport, &a.report)
	}
	if err == nil {
		a.output, err = readFrame(p.reader, frameOutput, limit)
	}
	a.err = err
	return a
}
