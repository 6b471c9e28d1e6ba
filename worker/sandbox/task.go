package sandbox

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

const (
	// pageSize is the unit of a WASM memory.
	pageSize = 64 << 10
	// maxMemory is what a 32-bit WASM memory can hold.
	maxMemory = 4 << 30
	// maxHeader bounds the JSON of a task or a report, in bytes.
	maxHeader = 4 << 20
	// stderrKept is how much of the end of a guest's log is kept, in bytes: enough to find
	// where the last words of a program begin, though a long stack trace follows.
	stderrKept = 64 << 10
)

// Task is one run of a module.
type Task struct {
	// Module is the path of the WASM file, ModuleID its content's digest in
	// hex. The compiled code is cached by ModuleID, so equal ids must mean
	// equal bytes: the caller has checked the hash.
	Module, ModuleID string
	// Args are the guest's arguments after its name, which is "task".
	Args []string
	// Env are "KEY=VALUE" pairs; a later pair replaces an earlier one.
	Env []string
	// Stdin is the shard, unless StdinFile has a path.
	Stdin []byte
	// StdinFile is the part of a file that is the shard.
	StdinFile Section
	// Data maps names to paths: the guest reads the file as /data/NAME.
	Data map[string]string
	// Seed determines everything that the guest reads as random.
	Seed [32]byte
	// Time limits the processor time of the run, without compiling the module; where
	// that is not known (on any system but Linux), the time on the clock.
	Time time.Duration
	// Memory limits the linear memory, in bytes; it is rounded down to whole
	// pages of 64 KiB.
	Memory int64
	// Output limits the result, in bytes, at most 2 GiB.
	Output int64
	// Fuel limits the work of the guest, in the units that it counts; 0: no limit.
	Fuel int64
	// Metering says by which rules the fuel is counted, prices.ByClaim or prices.ByWork,
	// which 0 is as well.
	Metering uint32
	// TrapUnknown lets the module import functions that the grid does not have:
	// a call of one ends the task as Trapped. Otherwise it is Refused.
	TrapUnknown bool
	// FuelUsed, unless it is nil, is told about once a second how much fuel the guest
	// has used until it last called a function: an approximation, not for results.
	// It is called from another goroutine, and must not wait.
	FuelUsed func(fuel uint64)
}

// Section is a part of a file.
type Section struct {
	Path           string
	Offset, Length int64
}

// Status says how a task ended.
type Status int

// The ends of a task. Exited, Trapped, OutputExceeded and OutOfFuel follow from the
// task alone and come out the same on every machine. Refused depends on the release
// of screen, rewriter and engine, TimedOut and Killed on the machine: they are no
// result.
const (
	Exited         Status = iota + 1 // the guest ended with ExitCode
	Trapped                          // the guest did what WASM forbids
	OutputExceeded                   // the guest wrote more than Task.Output
	Refused                          // the module cannot be compiled or linked
	OutOfFuel                        // the guest needed more than Task.Fuel
	TimedOut                         // the guest ran longer than Task.Time
	Killed                           // the child died, or the engine failed: memory, stack, time to compile, or a fault
)

// String names the status in words.
func (s Status) String() string {
	switch s {
	case Exited:
		return "exited"
	case Trapped:
		return "trapped"
	case OutputExceeded:
		return "output exceeded"
	case Refused:
		return "refused"
	case OutOfFuel:
		return "out of fuel"
	case TimedOut:
		return "timed out"
	case Killed:
		return "killed"
	}
	return fmt.Sprintf("status %d", int(s))
}

// Result is what came of a task.
type Result struct {
	Status   Status
	ExitCode uint32
	// Reason explains every status but Exited.
	Reason string
	// Output is the guest's standard output; nil unless it exited.
	Output []byte
	// Stderr is the end of the guest's log, at most 4 KiB.
	Stderr []byte
	// Elapsed is the time of the run, without compiling the module.
	Elapsed time.Duration
	// Fuel is the work that the guest has done, the same on every machine, and of
	// OutOfFuel the limit. Of TimedOut and Killed it means nothing.
	Fuel uint64
	// Memory is the size of the linear memory at the end, in bytes, which is the
	// most that it was. Of Refused, TimedOut and Killed it is 0.
	Memory int64
}

// Succeeded tells whether the guest exited with code 0.
func (r Result) Succeeded() bool { return r.Status == Exited && r.ExitCode == 0 }

func (t Task) validate() error {
	if digest, err := hex.DecodeString(t.ModuleID); err != nil || len(digest) < 16 || len(digest) > 64 {
		return fmt.Errorf("module id %q: want a digest in hex", t.ModuleID)
	}
	if t.Time <= 0 {
		return fmt.Errorf("time limit %v: want more than zero", t.Time)
	}
	if t.Output < 0 || t.Output > maxFrame {
		return fmt.Errorf("output limit %d: want 0 to %d bytes", t.Output, maxFrame)
	}
	if t.Fuel < 0 {
		return fmt.Errorf("fuel limit %d: want 0 or more", t.Fuel)
	}
	if t.Metering != 0 && t.Metering != prices.ByClaim && t.Metering != prices.ByWork {
		return fmt.Errorf("metering %d: want %d or %d", t.Metering, prices.ByClaim, prices.ByWork)
	}
	if t.Memory < pageSize || t.Memory > maxMemory {
		return fmt.Errorf("memory limit %d: want %d to %d bytes", t.Memory, pageSize, int64(maxMemory))
	}
	if t.StdinFile.Path != "" && (t.StdinFile.Offset < 0 || t.StdinFile.Length < 0) {
		return fmt.Errorf("input section %d+%d: want no negative numbers", t.StdinFile.Offset, t.StdinFile.Length)
	}
	return errors.Join(t.validateStrings(), t.validateData())
}

func (t Task) validateStrings() error {
	for _, arg := range t.Args {
		if strings.ContainsRune(arg, 0) || !utf8.ValidString(arg) {
			return fmt.Errorf("argument %q: want UTF-8 without zero bytes", arg)
		}
	}
	for _, pair := range t.Env {
		if key, _, ok := strings.Cut(pair, "="); !ok || key == "" || strings.ContainsRune(pair, 0) || !utf8.ValidString(pair) {
			return fmt.Errorf("environment %q: want KEY=VALUE in UTF-8 without zero bytes", pair)
		}
	}
	return nil
}

func (t Task) validateData() error {
	for name := range t.Data {
		if !fs.ValidPath(name) || name == "." || strings.ContainsAny(name, "/\\\x00") {
			return fmt.Errorf("data file %q: want a plain file name", name)
		}
	}
	return nil
}
