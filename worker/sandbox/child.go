package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync/atomic"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// ChildMain is the whole life of a child process: it puts up walls around this
// process, which stay, then reads tasks from in and writes reports on out until
// in ends. If in ends while a guest runs, the parent is gone and nothing else
// would ever stop the guest, so the process exits.
func ChildMain(in io.Reader, out io.Writer) error {
	// One for the guest, which does not yield, and one for the listener.
	runtime.GOMAXPROCS(2)
	raiseInterpreter()
	c := newChild(in, out)
	if err := c.settle(); err != nil {
		return err
	}
	return c.work()
}

func newChild(in io.Reader, out io.Writer) *child {
	return &child{in: bufio.NewReader(in), out: bufio.NewWriter(out), orders: make(chan order)}
}

// settle puts up the walls and says which stand.
func (c *child) settle() error {
	var s setup
	if err := readJSON(c.in, frameSetup, &s); err != nil {
		return fmt.Errorf("read setup: %w", err)
	}
	if err := writeJSON(c.out, frameHello, walls.Raise(firstWalls(s))); err != nil {
		return err
	}
	return c.out.Flush()
}

func (c *child) work() error {
	go c.listen()
	ctx := context.Background()
	defer c.engine.close(ctx)
	for o := range c.orders {
		err := c.serve(ctx, o)
		c.busy.Store(false)
		if err != nil {
			return fmt.Errorf("serve task: %w", err)
		}
		collectGarbage()
	}
	return c.err
}

// order is a task as it came through the pipe.
type order struct {
	request request
	input   []byte
}

type child struct {
	in     *bufio.Reader
	out    *bufio.Writer
	engine engine
	orders chan order
	busy   atomic.Bool
	err    error // why orders was closed, nil at the end of in
}

// listen reads ahead of the guest, to notice the end of the parent.
func (c *child) listen() {
	for {
		o, err := c.read()
		if err != nil {
			if c.busy.Load() {
				os.Exit(0)
			}
			if !errors.Is(err, io.EOF) {
				c.err = fmt.Errorf("read task: %w", err)
			}
			close(c.orders)
			return
		}
		c.busy.Store(true)
		c.orders <- o
	}
}

func (c *child) read() (order, error) {
	var o order
	if err := readJSON(c.in, frameRequest, &o.request); err != nil {
		return order{}, err
	}
	var err error
	o.input, err = readFrame(c.in, frameInput, maxFrame)
	return o, err
}

// serve answers one task. Its errors are those of the pipe.
func (c *child) serve(ctx context.Context, o order) error {
	if o.request.Compile {
		kept, err := c.engine.compileOnly(ctx, o.request)
		if err != nil {
			return c.answer(failure(err), nil)
		}
		return c.answer(report{Status: Exited, Kept: kept}, nil)
	}
	m, err := c.engine.compiled(ctx, o.request)
	if err != nil {
		return c.answer(failure(err), nil)
	}
	if err := c.tellRunning(); err != nil {
		return err
	}
	c.engine.bounds.enterRun(o.request)
	answer, output := m.run(ctx, o, c.writeFuel)
	return c.answer(answer, output)
}

func (c *child) tellRunning() error {
	if err := writeFrame(c.out, frameRunning, nil); err != nil {
		return err
	}
	return c.out.Flush()
}

func (c *child) answer(r report, output []byte) error {
	if err := writeJSON(c.out, frameReport, r); err != nil {
		return err
	}
	if err := writeFrame(c.out, frameOutput, output); err != nil {
		return err
	}
	return c.out.Flush()
}

// failure reports a task that did not come to run.
func failure(err error) report {
	var refused *refusal.Error
	if errors.As(err, &refused) {
		return report{Status: Refused, Reason: clip(refused.Error())}
	}
	return report{Fault: clip(err.Error())}
}
