package sdk

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/wire"
)

// Size is a number of bytes. In a job file it is a number, or a number with a
// unit: 64KiB, 1.5MiB, 2GB.
type Size int64

// binaryUnits are those in which sizes are written, and sizeUnits those that are
// read, where "B" comes last since all end in it.
var (
	binaryUnits = []unit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}
	sizeUnits   = append(binaryUnits[:4:4], unit{"TB", 1e12}, unit{"GB", 1e9}, unit{"MB", 1e6}, unit{"KB", 1e3}, unit{"B", 1})
)

// ParseSize reads a size such as 64KiB, 1.5MiB, 2GB or 1000. Units may be in small
// letters, but a small b behind a big letter, as in Mb, counts bits and is refused.
func ParseSize(s string) (Size, error) {
	if unit := strings.TrimLeft(strings.TrimSpace(s), "0123456789. "); countsBits(unit) {
		return 0, fmt.Errorf("%q is not a size: %s counts bits; write it like 64KiB, 1MiB or 2GB", s, unit)
	}
	bytes, ok := parseQuantity(s, sizeUnits, math.MaxInt64)
	if !ok {
		return 0, fmt.Errorf("%q is not a size; write it like 64KiB, 1MiB or 2GB", s)
	}
	return Size(bytes), nil
}

// countsBits tells units such as b, Mb and Kib.
func countsBits(unit string) bool {
	prefix, ok := strings.CutSuffix(unit, "b")
	return ok && slices.Contains([]string{"", "K", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"}, prefix)
}

// UnmarshalJSON reads a number of bytes or a string with a unit.
func (s *Size) UnmarshalJSON(data []byte) error {
	return unmarshalQuantity(data, s, ParseSize)
}

// String writes the size in the largest binary unit that keeps it readable.
func (s Size) String() string {
	if text, ok := formatQuantity(float64(s), binaryUnits); ok {
		return text
	}
	return strconv.FormatInt(int64(s), 10) + " B"
}

// Share is a part of a whole, above 0 and below 1. In a job file it is a number:
// 0.0001 or 1e-4.
type Share float64

// UnmarshalJSON reads a number. 0 is refused: asking for no errors at all is not
// the same as leaving the field out.
func (s *Share) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	value, err := strconv.ParseFloat(string(data), 64)
	if err == nil && value != 0 {
		_, err = wire.ShareFromProto("", value)
	}
	if err != nil || value == 0 {
		return fmt.Errorf("%s is not a share above 0 and below 1; write it like 0.0001 or 1e-4", data)
	}
	*s = Share(value)
	return nil
}

// Duration is a time.Duration that a job file writes as Go does: 30s, 1m30s.
type Duration time.Duration

// UnmarshalJSON reads Go's notation. A bare number has no unit and is refused.
func (d *Duration) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	var text string
	if json.Unmarshal(data, &text) != nil {
		text = string(data)
	}
	value, err := time.ParseDuration(text)
	if err != nil || value < 0 {
		return fmt.Errorf("%q is not a duration; write it like 30s, 5m or 1h30m", text)
	}
	*d = Duration(value)
	return nil
}
