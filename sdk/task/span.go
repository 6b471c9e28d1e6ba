package task

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxSpan bounds the text of a range: two int64, a space and a newline fit
// well inside.
const maxSpan = 64

// Range reads the shard of a job whose input is a range: the text "LO HI\n"
// stands for the numbers LO <= n < HI. Anything else on the input is an error.
func Range(in io.Reader) (lo, hi int64, err error) {
	text, err := io.ReadAll(io.LimitReader(in, maxSpan+1))
	if err != nil {
		return 0, 0, fmt.Errorf("read range: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(text) > maxSpan || len(fields) != 2 {
		return 0, 0, fmt.Errorf("read range: want \"LO HI\", got %q", clip(text))
	}
	if lo, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return 0, 0, fmt.Errorf("read range: low end: %w", err)
	}
	if hi, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
		return 0, 0, fmt.Errorf("read range: high end: %w", err)
	}
	if lo > hi {
		return 0, 0, fmt.Errorf("read range: low end %d is above high end %d", lo, hi)
	}
	return lo, hi, nil
}

func clip(text []byte) string {
	if len(text) > maxSpan {
		return string(text[:maxSpan]) + "..."
	}
	return string(text)
}
