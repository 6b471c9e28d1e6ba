// Package blob names content by hash: a Manifest lists the SHA-256 of each
// piece of a blob, and the blob's ID is the SHA-256 of the manifest's canonical
// encoding. Equal content has an equal ID on every machine. The package is
// pure: it reads no disk and no network.
package blob

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
)

// ErrInvalid is wrapped by every error about bytes that are not what their
// name says: a malformed id or manifest, a piece whose hash differs.
var ErrInvalid = errors.New("invalid")

// ID is the SHA-256 of a blob's canonical manifest. As text it is 64 lower-case
// hex digits, in binary (and so in CBOR) its 32 bytes.
type ID [32]byte

// Ref is what others need to know in order to fetch a blob.
type Ref struct {
	ID   ID    `cbor:"1,keyasint"`
	Size int64 `cbor:"2,keyasint"`
}

// ParseID is the inverse of ID.String.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != hex.EncodedLen(len(id)) {
		return ID{}, fmt.Errorf("parse blob id %.80q: %w: want 64 hex digits", s, ErrInvalid)
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("parse blob id %q: %w: %w", s, ErrInvalid, err)
	}
	return id, nil
}

// IDFrom takes the 32 bytes of an id, as they come off the wire.
func IDFrom(b []byte) (ID, error) {
	var id ID
	if len(b) != len(id) {
		return ID{}, fmt.Errorf("blob id of %d bytes: %w: want %d", len(b), ErrInvalid, len(id))
	}
	copy(id[:], b)
	return id, nil
}

// Compare orders ids by their bytes: -1, 0 or 1.
func (id ID) Compare(other ID) int { return bytes.Compare(id[:], other[:]) }

// IsZero tells whether the id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Short is the id as people see it in lists: its first 12 digits.
func (id ID) Short() string { return hex.EncodeToString(id[:6]) }

// MarshalText writes 64 hex digits.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(text []byte) error {
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// MarshalBinary writes the 32 bytes.
func (id ID) MarshalBinary() ([]byte, error) { return id[:], nil }

// UnmarshalBinary reads what MarshalBinary wrote.
func (id *ID) UnmarshalBinary(data []byte) error {
	parsed, err := IDFrom(data)
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
