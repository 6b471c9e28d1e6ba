package trial

import (
	"bytes"
	"fmt"
)

// differences tell on what two runs of a task do not agree, of all that must be
// the same on every machine.
func differences(a, b Run) []string {
	other := "the " + b.Engine
	if a.Engine == b.Engine {
		other = "the " + b.Engine + " the second time"
	}
	if a.Status != b.Status {
		return []string{fmt.Sprintf("the ending: %v on the %s, %v on %s (%s)", a.Status, a.Engine, b.Status, other, b.Reason)}
	}
	var list []string
	for _, number := range []struct {
		what string
		a, b int64
	}{
		{"the exit code", int64(a.ExitCode), int64(b.ExitCode)},
		{"the fuel", int64(a.Fuel), int64(b.Fuel)},
		{"the memory at the end", a.Memory, b.Memory},
	} {
		if number.a != number.b {
			list = append(list, fmt.Sprintf("%s: %d on the %s, %d on %s", number.what, number.a, a.Engine, number.b, other))
		}
	}
	if !bytes.Equal(a.Output, b.Output) {
		list = append(list, fmt.Sprintf("the output, from byte %d on: %d bytes on the %s, %d on %s",
			firstDifference(a.Output, b.Output), len(a.Output), a.Engine, len(b.Output), other))
	}
	return list
}

// firstDifference is the first position, from 0, at which two outputs differ.
func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}
