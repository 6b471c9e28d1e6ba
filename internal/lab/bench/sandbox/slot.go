package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// childMode is the argument that makes this program the child of a slot.
const childMode = "sandbox-child"

// slotRunner runs a guest as a worker does.
type slotRunner struct {
	slot  *sandbox.Slot
	label string // an argument of its child, by which to find it
	task  sandbox.Task
}

func startSlot(ctx context.Context, b *bench, v variant, language guests.Language, name string) (runner, error) {
	path, err := b.module(ctx, language, name, v)
	if err != nil {
		return nil, err
	}
	task, err := newTask(path)
	if err != nil {
		return nil, err
	}
	s, err := b.newSlot(task, v.rewrite, v.key+"-"+string(language)+"-"+name)
	if err != nil {
		return nil, err
	}
	// A size of zero is a task too, which makes the child warm.
	_, err = s.run(ctx, []string{"0"}, 1)
	return s, err
}

// newSlot makes a cold slot, which changes modules in some ways or, for nil, in
// all of them.
func (b *bench) newSlot(task sandbox.Task, ways *rewrite.Options, name string) (*slotRunner, error) {
	label := fmt.Sprintf("%s-%d", name, os.Getpid())
	slot, err := sandbox.NewSlot(sandbox.Config{
		Command: []string{b.exe, childMode, label}, CacheDir: filepath.Join(b.dir, "cache"),
		Readable: []string{b.dir}, Rewrite: ways,
	})
	return &slotRunner{slot, label, task}, err
}

func newTask(path string) (sandbox.Task, error) {
	module, err := os.ReadFile(path)
	if err != nil {
		return sandbox.Task{}, err
	}
	sum := sha256.Sum256(module)
	return sandbox.Task{
		Module: path, ModuleID: hex.EncodeToString(sum[:]),
		Time: 2 * time.Minute, Memory: 512 << 20, Output: 1 << 20,
	}, nil
}

func (s *slotRunner) close() { s.slot.Close() }

func (s *slotRunner) run(ctx context.Context, args []string, times int) (sample, error) {
	task := s.task
	task.Args = args
	before, err := labelledTime(s.label)
	if err != nil {
		return sample{}, err
	}
	var last sandbox.Result
	start := time.Now()
	for range times {
		if last, err = s.slot.Run(ctx, task); err != nil {
			return sample{}, err
		}
		if !last.Succeeded() {
			return sample{}, fmt.Errorf("run in a slot: %v, exit code %d: %s\n%s", last.Status, last.ExitCode, last.Reason, last.Stderr)
		}
	}
	wall := time.Since(start)
	after, err := labelledTime(s.label)
	return measured(wall, after-before, string(last.Output)).per(times), err
}
