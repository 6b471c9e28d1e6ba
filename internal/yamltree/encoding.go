package yamltree

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// decode makes UTF-8 of a text in UTF-8 or UTF-16, and refuses what a text cannot have.
func decode(text []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(text, []byte("\xff\xfe")):
		text = fromUTF16(text[2:], binary.LittleEndian)
	case bytes.HasPrefix(text, []byte("\xfe\xff")):
		text = fromUTF16(text[2:], binary.BigEndian)
	}
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return nil, invalid(lineAt(text, at), "save the file as UTF-8", "it has bytes that are not UTF-8")
		}
		if r == 0 {
			return nil, invalid(lineAt(text, at), "save the file as text in UTF-8", "it has a zero byte")
		}
		if hidden(r) {
			return nil, invalid(lineAt(text, at), fmt.Sprintf(`take it out, or write "\u%04x" in double quotes`, r), "it has the character %U, which does not show", r)
		}
		at += size
	}
	return text, nil
}

// fromUTF16 makes bytes that are not UTF-8 of what is no UTF-16.
func fromUTF16(text []byte, order binary.ByteOrder) []byte {
	var out []byte
	for len(text) >= 2 {
		r := rune(order.Uint16(text))
		text = text[2:]
		if utf16.IsSurrogate(r) {
			low := rune(0)
			if len(text) >= 2 {
				low = rune(order.Uint16(text))
				text = text[2:]
			}
			if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
				return append(out, 0xff)
			}
		}
		out = utf8.AppendRune(out, r)
	}
	if len(text) > 0 {
		out = append(out, 0xff)
	}
	return out
}

// hidden tells of characters that cannot stand in a text, or that end a line in YAML 1.1
// and do not in YAML 1.2.
func hidden(r rune) bool {
	switch {
	case r == '\t', r == '\n', r == '\r':
		return false
	case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff, r == '\u2028', r == '\u2029':
		return true
	}
	return false
}

// lineAt tells in which line, from 1, an offset is: lines end in LF, CR or both.
func lineAt(text []byte, at int) int {
	before := text[:at]
	return 1 + bytes.Count(before, []byte("\n")) + bytes.Count(before, []byte("\r")) - bytes.Count(before, []byte("\r\n"))
}
