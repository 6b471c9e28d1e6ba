package sandbox

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// The pipes carry frames: one byte of kind, four bytes of length (least
// significant first), then the content. A task is
//
//	parent: request (JSON), input (raw)
//	child:  running (empty, when the module is compiled), fuel (8 bytes, now and
//	        then), report (JSON), output (raw)
//
// or, where the module is only to be compiled, without running and fuel. Only one task is under way at a time. Before the first one
//
//	parent: setup (JSON)
//	child:  hello (JSON), when its walls stand
const (
	frameSetup   byte = 'S'
	frameHello   byte = 'H'
	frameRequest byte = 'Q'
	frameInput   byte = 'I'
	frameRunning byte = 'R'
	frameFuel    byte = 'F'
	frameReport  byte = 'E'
	frameOutput  byte = 'O'
)

const frameHeader = 5

// maxFrame keeps lengths in four bytes and in an int of every platform.
const maxFrame = 1<<31 - 1

// request is the task as the child needs it.
type request struct {
	// Entry is the directory in which compiled code is, or is to be if Compile is set:
	// then nothing runs. Empty: there is none.
	Entry     string            `json:"entry,omitempty"`
	Compile   bool              `json:"compile,omitempty"`
	Module    string            `json:"module"`
	ModuleID  string            `json:"module_id"`
	Args      []string          `json:"args,omitempty"`
	Env       []string          `json:"env,omitempty"`
	StdinFile Section           `json:"stdin_file"`
	Data      map[string]string `json:"data,omitempty"`
	Seed      []byte            `json:"seed"`
	Memory    int64             `json:"memory"`
	Output    int64             `json:"output"`
	Time      time.Duration     `json:"time"`
	Fuel      int64             `json:"fuel,omitempty"`
	Metering  uint32            `json:"metering"`

	TrapUnknown bool            `json:"trap_unknown,omitempty"`
	Rewrite     rewrite.Options `json:"rewrite"`
	Interpreter bool            `json:"interpreter,omitempty"`
}

// report is the child's answer. Fault is set if the host's own files or the
// engine failed, so that there is no result.
type report struct {
	Status   Status        `json:"status"`
	ExitCode uint32        `json:"exit_code"`
	Reason   string        `json:"reason,omitempty"`
	Stderr   []byte        `json:"stderr,omitempty"`
	Elapsed  time.Duration `json:"elapsed"`
	Fuel     uint64        `json:"fuel,omitempty"`
	Memory   int64         `json:"memory,omitempty"`
	Fault    string        `json:"fault,omitempty"`
	Kept     bool          `json:"kept,omitempty"` // the entry has the module now
}

func writeFrame(w io.Writer, kind byte, content []byte) error {
	if len(content) > maxFrame {
		return fmt.Errorf("write frame %q: %d bytes are too many", kind, len(content))
	}
	header := [frameHeader]byte{kind}
	binary.LittleEndian.PutUint32(header[1:], uint32(len(content)))
	if _, err := w.Write(header[:]); err != nil {
		return fmt.Errorf("write frame %q: %w", kind, err)
	}
	if _, err := w.Write(content); err != nil {
		return fmt.Errorf("write frame %q: %w", kind, err)
	}
	return nil
}

func writeJSON(w io.Writer, kind byte, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode frame %q: %w", kind, err)
	}
	if len(content) > maxHeader {
		return fmt.Errorf("write frame %q: %d bytes are too many, the limit is %d", kind, len(content), maxHeader)
	}
	return writeFrame(w, kind, content)
}

// readFrame returns io.EOF if the other side closed the pipe between frames.
// The length is checked before anything is allocated for it.
func readFrame(r io.Reader, kind byte, limit int64) ([]byte, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		if err == io.EOF {
			return nil, io.EOF
		}
		return nil, fmt.Errorf("read frame %q: %w", kind, err)
	}
	length := int64(binary.LittleEndian.Uint32(header[1:]))
	if header[0] != kind || length > limit {
		return nil, fmt.Errorf("read frame %q: got frame %q of %d bytes, the limit is %d", kind, header[0], length, limit)
	}
	content := make([]byte, length)
	if _, err := io.ReadFull(r, content); err != nil {
		return nil, fmt.Errorf("read frame %q: %w", kind, err)
	}
	return content, nil
}

func readJSON(r io.Reader, kind byte, value any) error {
	content, err := readFrame(r, kind, maxHeader)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, value); err != nil {
		return fmt.Errorf("decode frame %q: %w", kind, err)
	}
	return nil
}
