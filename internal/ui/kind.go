package ui

import (
	"bytes"
	"strings"
)

// plain is the type of what is no picture.
const plain = "application/octet-stream"

// pictures are known by how they begin.
var pictures = []struct{ begins, kind string }{
	{"\x89PNG\r\n\x1a\n", "image/png"}, {"\xff\xd8\xff", "image/jpeg"}, {"GIF87a", "image/gif"}, {"GIF89a", "image/gif"},
}

// KindOf is the media type by which bytes are given to a browser: that of a picture, or
// one that it does nothing with.
func KindOf(first []byte) string {
	for _, p := range pictures {
		if bytes.HasPrefix(first, []byte(p.begins)) {
			return p.kind
		}
	}
	if len(first) > 12 && string(first[:4]) == "RIFF" && string(first[8:12]) == "WEBP" {
		return "image/webp"
	}
	if isSVG(first) {
		return "image/svg+xml"
	}
	return plain
}

func isSVG(first []byte) bool {
	text := strings.TrimLeft(string(first[:min(len(first), 1024)]), " \t\r\n\ufeff")
	return strings.HasPrefix(text, "<svg") || strings.HasPrefix(text, "<?xml") && strings.Contains(text, "<svg")
}
