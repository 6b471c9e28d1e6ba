package sandbox

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestFramesPassThroughAPipe(t *testing.T) {
	var pipe bytes.Buffer
	sent := report{Status: Trapped, ExitCode: 1 << 31, Reason: "ünïcode", Stderr: []byte{0, 255}, Elapsed: 5, Fuel: 1<<63 + 1}
	if err := errors.Join(writeJSON(&pipe, frameReport, sent), writeFrame(&pipe, frameOutput, []byte("out"))); err != nil {
		t.Fatal(err)
	}
	in := iotest.OneByteReader(&pipe)
	var got report
	if err := readJSON(in, frameReport, &got); err != nil || got.Reason != sent.Reason ||
		got.Status != sent.Status || got.ExitCode != sent.ExitCode || !bytes.Equal(got.Stderr, sent.Stderr) || got.Elapsed != sent.Elapsed || got.Fuel != sent.Fuel {
		t.Errorf("read %+v, %v; want %+v", got, err, sent)
	}
	if out, err := readFrame(in, frameOutput, 3); err != nil || string(out) != "out" {
		t.Errorf("read %q, %v", out, err)
	}
	if _, err := readFrame(in, frameOutput, 3); err != io.EOF {
		t.Errorf("read at the end = %v, want io.EOF", err)
	}
}

func TestReadFrameRefuses(t *testing.T) {
	for want, bytes := range map[string]string{
		"got frame 'O' of 4 bytes, the limit is 3": "O\x04\x00\x00\x00four",
		"got frame 'E' of 0 bytes":                 "E\x00\x00\x00\x00",
		"got frame 'O' of 4294967295 bytes":        "O\xff\xff\xff\xff",
		"unexpected EOF":                           "O\x02\x00\x00\x00x",
	} {
		if _, err := readFrame(strings.NewReader(bytes), frameOutput, 3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("readFrame(%q) = %v, want an error with %q", bytes, err, want)
		}
	}
}

func TestWriteJSONRefusesWhatTheChildWouldNotRead(t *testing.T) {
	var pipe bytes.Buffer
	err := writeJSON(&pipe, frameRequest, request{Args: []string{strings.Repeat("x", maxHeader)}})
	if err == nil || pipe.Len() > 0 {
		t.Errorf("writeJSON = %v after %d bytes; want an error and nothing written", err, pipe.Len())
	}
}
