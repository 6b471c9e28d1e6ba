package replica

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/fxamacker/cbor/v2"

	"github.com/anthill-grid/anthill/jobs"
)

// Log entries and snapshots are a version byte and CBOR (RFC 8949) in its
// core deterministic encoding: equal states have equal bytes. Decoding is
// strict: a field that this version does not know is an error, since leaving
// it out would make the replicas differ.
//
// The version is that of the state's rules, see jobs.Version: an entry has that of
// the state for which it was written, so that binaries of two versions read each
// other's log until the rules are raised.

var encoding, decoding = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err) // constant options
	}
	dec, err := cbor.DecOptions{
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		MaxArrayElements:  math.MaxInt32,
		MaxMapPairs:       math.MaxInt32,
		// A string that was accepted must not halt the replicas afterwards.
		UTF8: cbor.UTF8DecodeInvalid,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return enc, dec
}

var errVersion = errors.New("unknown encoding version")

// checkVersion refuses what this binary cannot go on with.
func checkVersion(version byte) error {
	switch v := jobs.Version(version); {
	case v < jobs.FirstVersion:
		return fmt.Errorf("%w %d: an older version of Anthill wrote it, and this one reads %d to %d: run the version that wrote it, or start a new grid in an empty data directory", errVersion, v, jobs.FirstVersion, jobs.LastVersion)
	case v > jobs.LastVersion:
		return fmt.Errorf("%w %d: a newer version of Anthill wrote it, and this one reads %d to %d: upgrade this coordinator", errVersion, v, jobs.FirstVersion, jobs.LastVersion)
	}
	return nil
}

// EncodeCommand gives the bytes of a log entry for a state of a version.
func EncodeCommand(c jobs.Command, version jobs.Version) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte(byte(max(version, c.Version())))
	if err := encoding.NewEncoder(&b).Encode(c); err != nil {
		return nil, fmt.Errorf("encode command: %w", err)
	}
	return b.Bytes(), nil
}

// DecodeCommand reads a log entry.
func DecodeCommand(data []byte) (jobs.Command, error) {
	var c jobs.Command
	if len(data) == 0 {
		return c, fmt.Errorf("decode command: %w: it is empty", errVersion)
	}
	if err := checkVersion(data[0]); err != nil {
		return c, fmt.Errorf("decode command: %w", err)
	}
	if err := decoding.Unmarshal(data[1:], &c); err != nil {
		return c, fmt.Errorf("decode command: %w: this coordinator is older than the one that wrote it; upgrade it", err)
	}
	return c, nil
}

func encodeSnapshot(w io.Writer, s *snapshot) error { return encodePieces(w, s, maxPiece) }

func encodePieces(w io.Writer, s *snapshot, most int) error {
	buf := bufio.NewWriterSize(w, 1<<20)
	if err := buf.WriteByte(byte(s.State.Version())); err != nil {
		return err
	}
	if err := (&stream{w: buf, of: s, most: most}).snapshot(); err != nil {
		return err
	}
	return buf.Flush()
}

func decodeSnapshot(r io.Reader) (*snapshot, error) {
	buf := bufio.NewReaderSize(r, 1<<20)
	version, err := buf.ReadByte()
	if err != nil {
		return nil, err
	}
	if err := checkVersion(version); err != nil {
		return nil, err
	}
	var s snapshot
	if err := decoding.NewDecoder(buf).Decode(&s); err != nil {
		return nil, err
	}
	if s.State == nil {
		return nil, errors.New("the snapshot has no state")
	}
	return &s, nil
}

// Hash is the SHA-256 of the state's encoding: equal on all replicas that have
// applied the same log.
func Hash(s *jobs.State) ([32]byte, error) {
	sum := sha256.New()
	buf := bufio.NewWriterSize(sum, 1<<16)
	if err := errors.Join((&stream{w: buf, of: &snapshot{State: s}, most: maxPiece}).state(), buf.Flush()); err != nil {
		return [32]byte{}, fmt.Errorf("hash state: %w", err)
	}
	return [32]byte(sum.Sum(nil)), nil
}
