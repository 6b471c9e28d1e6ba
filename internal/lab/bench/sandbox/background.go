package main

import (
	"os/exec"
	"runtime"
)

// background starts programs with the priority that a slot gives its child, so
// that other work on the machine takes as much from them as from the slot. It
// is a thread of its own: the system lets none have its priority back.
type background chan func()

func newBackground() background {
	b := make(background)
	go func() {
		runtime.LockOSThread()
		for start := range b {
			start()
		}
	}()
	return b
}

func (b background) start(cmd *exec.Cmd) error {
	done := make(chan error)
	b <- func() {
		err := lowerThread()
		if err == nil {
			err = cmd.Start()
		}
		done <- err
	}
	return <-done
}
