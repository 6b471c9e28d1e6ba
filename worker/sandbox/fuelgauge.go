package sandbox

import (
	"encoding/binary"
	"fmt"
	"time"
)

// fuelEvery is how often a child tells how much fuel its guest has used.
const fuelEvery = time.Second

// watch tells now and then how much fuel the guest has used, until the returned
// function is called. The guest keeps its count in a register and writes it down
// when it calls a function or returns from one, so what is read beside it is as old
// as the last call: good enough for people, and for nothing else. Compiled code takes no
// lock for it, but it is one aligned word, which is written as a whole.
func (g gauges) watch(limit int64, tell func(fuel uint64)) (stop func()) {
	if g.fuel == nil || tell == nil {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(fuelEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				g.counting.Lock()
				left := int64(g.fuel.Get())
				g.counting.Unlock()
				tell(uint64(budget(limit) - left))
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// writeFuel is called only while a guest runs, when nothing else is written. If it
// fails, so does the report.
func (c *child) writeFuel(fuel uint64) {
	if writeFrame(c.out, frameFuel, binary.LittleEndian.AppendUint64(nil, fuel)) == nil {
		_ = c.out.Flush()
	}
}

// readFuel takes the frames that come before a report.
func (p *process) readFuel(fuelUsed func(fuel uint64)) error {
	for {
		kind, err := p.reader.Peek(1)
		if err != nil || kind[0] != frameFuel {
			return err
		}
		content, err := readFrame(p.reader, frameFuel, 8)
		if err != nil {
			return err
		}
		if len(content) != 8 {
			return fmt.Errorf("read frame %q: %d bytes are not a number", frameFuel, len(content))
		}
		if fuelUsed != nil {
			fuelUsed(binary.LittleEndian.Uint64(content))
		}
	}
}
