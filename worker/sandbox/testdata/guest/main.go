// Command guest does what its first argument says, for the sandbox's tests.
package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/anthill-grid/anthill/sdk/task"
)

func main() {
	if len(os.Args) < 2 {
		task.Main(func(io.Reader, io.Writer) error { return nil })
		return
	}
	switch os.Args[1] {
	case "echo":
		task.Main(func(in io.Reader, out io.Writer) error {
			_, err := io.Copy(out, in)
			return err
		})
	case "world":
		task.Main(world)
	case "files":
		task.Main(files)
	case "escape":
		task.Main(escape)
	case "raw":
		task.Main(raw)
	case "hoard":
		task.Main(hoard)
	case "reopen":
		task.Main(reopen)
	case "fail":
		task.Main(func(io.Reader, io.Writer) error { return errors.New("no such row") })
	case "picky":
		picky(len(os.Args) > 2)
	case "log":
		for i := range 8000 {
			fmt.Fprintf(os.Stderr, "line %d\n", i)
		}
	case "hash":
		task.Main(hash)
	case "alloc":
		var kept [][]byte
		for {
			kept = append(kept, make([]byte, 1<<20))
		}
	}
}

// picky gives back what it reads, unless that is bad: then it dies as Python does, after
// much talk, if it does not forgive.
func picky(forgives bool) {
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	if bytes.Contains(in, []byte("bad")) && !forgives {
		for i := range 1000 {
			fmt.Fprintf(os.Stderr, "working on row %d\n", i)
		}
		fmt.Fprint(os.Stderr, "Traceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n    main()\nKeyError: beta\n")
		os.Exit(1)
	}
	os.Stdout.Write(in)
}

// world shows everything that a guest can learn of its surroundings.
func world(_ io.Reader, out io.Writer) error {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	start := time.Now()
	time.Sleep(50 * time.Millisecond)
	slept := time.Since(start)
	_, err := fmt.Fprintf(out, "args %q\nenv %q\nrandom %x\ntime %v\nslept %v\npid %d\n",
		os.Args, os.Environ(), random, start.UTC(), slept, os.Getpid())
	return err
}

func files(_ io.Reader, out io.Writer) error {
	entries, err := os.ReadDir("/data")
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		content, err := os.ReadFile("/data/" + e.Name())
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s %d %v %v %q\n", e.Name(), info.Size(), info.Mode(), info.ModTime().UTC(), content)
	}
	return nil
}

// hoard opens a file until that fails, lets one go and opens it again.
func hoard(_ io.Reader, out io.Writer) error {
	var open []*os.File
	for {
		f, err := os.Open("/data/file")
		if err != nil {
			fmt.Fprintf(out, "%d: %v\n", len(open), err)
			break
		}
		open = append(open, f)
	}
	if err := open[0].Close(); err != nil {
		return err
	}
	f, err := os.Open("/data/file")
	if err != nil {
		return err
	}
	return f.Close()
}

// reopen opens a file and lets it go again, for ever.
func reopen(io.Reader, io.Writer) error {
	for {
		f, err := os.Open("/data/file")
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
}

// escape tries what must not work, and tells what did.
func escape(_ io.Reader, out io.Writer) error {
	for _, path := range os.Args[2:] {
		try(out, "read "+path, func() error { _, err := os.ReadFile(path); return err })
		try(out, "list "+path, func() error { _, err := os.ReadDir(path); return err })
		try(out, "stat "+path, func() error { _, err := os.Stat(path); return err })
	}
	try(out, "write", func() error { return os.WriteFile("/data/a.txt", []byte("x"), 0o600) })
	try(out, "append", func() error {
		f, err := os.OpenFile("/data/a.txt", os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		_, err = f.WriteString("x")
		return err
	})
	try(out, "write a file opened to read", func() error {
		f, err := os.Open("/data/a.txt")
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		_, err = f.WriteString("x")
		return err
	})
	try(out, "truncate", func() error { return os.Truncate("/data/a.txt", 0) })
	try(out, "create", func() error { _, err := os.Create("/data/new"); return err })
	try(out, "remove", func() error { return os.Remove("/data/a.txt") })
	try(out, "rename", func() error { return os.Rename("/data/a.txt", "/data/c.txt") })
	try(out, "mkdir", func() error { return os.Mkdir("/data/dir", 0o700) })
	try(out, "symlink", func() error { return os.Symlink("/etc/passwd", "/data/link") })
	try(out, "link", func() error { return os.Link("/data/a.txt", "/data/link") })
	try(out, "dial", func() error { _, err := net.Dial("tcp", "127.0.0.1:1"); return err })
	for fd := uintptr(4); fd < 16; fd++ {
		try(out, fmt.Sprintf("descriptor %d", fd), func() error {
			_, err := os.NewFile(fd, "fd").Read(make([]byte, 1))
			return err
		})
	}
	return nil
}

func try(out io.Writer, what string, do func() error) {
	if do() == nil {
		fmt.Fprintf(out, "could %s\n", what)
	}
}

// hash computes for about a second.
func hash(_ io.Reader, out io.Writer) error {
	block := make([]byte, 1<<20)
	sum := sha256.New()
	for range 32 {
		sum.Write(block)
	}
	_, err := fmt.Fprintf(out, "%x\n", sum.Sum(nil))
	return err
}
