package sdk

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestProgressReaderReportsHowMuchThereWas(t *testing.T) {
	for _, size := range []int64{0, 5} {
		var told [][2]int64
		r := &progressReader{in: iotest.OneByteReader(strings.NewReader("hello")), size: size, tell: func(read, size int64) { told = append(told, [2]int64{read, size}) }}
		if text, err := io.ReadAll(r); string(text) != "hello" || err != nil {
			t.Errorf("read %q, %v", text, err)
		}
		if want := [][2]int64{{1, size}, {5, 5}}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	}
}
