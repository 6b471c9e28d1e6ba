package worker

import "bytes"

// lie gives wrong bytes for half of the leases. All liars lie alike about the
// same output, which is the worst case: they agree with each other.
func lie(lease uint64, output []byte) []byte {
	if lease%2 == 0 {
		return output
	}
	wrong := bytes.Clone(output)
	if len(wrong) == 0 {
		return []byte("a lie\n")
	}
	wrong[len(wrong)/2] ^= 1
	return wrong
}
