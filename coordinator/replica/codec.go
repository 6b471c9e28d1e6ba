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
// Version 2: fuel is part of votes, and so of results. Version 3: each claim of a
// kept blob has its own size. Version 4: nobody waits for attempts that are late, and
// no vote is for more output than the job allows.
const codecVersion = 4

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

// checkVersion refuses all versions but this one: what an older one left out
// means something else now.
func checkVersion(version byte) error {
	switch {
	case version < codecVersion:
		return fmt.Errorf("%w %d, this is %d: an older version of Anthill wrote it, and this one cannot go on with it: run that version, or found the grid anew with an empty data directory", errVersion, version, codecVersion)
	case version > codecVersion:
		return fmt.Errorf("%w %d, this is %d: a newer version of Anthill wrote it; upgrade this coordinator", errVersion, version, codecVersion)
	}
	return nil
}

// EncodeCommand gives the bytes of a log entry.
func EncodeCommand(c jobs.Command) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte(codecVersion)
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

func encodeSnapshot(w io.Writer, s *snapshot) error {
	buf := bufio.NewWriterSize(w, 1<<20)
	if err := buf.WriteByte(codecVersion); err != nil {
		return err
	}
	if err := encoding.NewEncoder(buf).Encode(s); err != nil {
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
	data, err := encoding.Marshal(s)
	if err != nil {
		return [32]byte{}, fmt.Errorf("hash state: %w", err)
	}
	return sha256.Sum256(data), nil
}
