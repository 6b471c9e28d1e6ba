package identity

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	tokenPrefix    = "anthill-"
	tokenVersion   = 1
	tokenHeader    = 4 // version, length (2), role
	tokenChecksum  = 4
	tokenMin       = tokenHeader + 32 + 16 + 1 + tokenChecksum
	maxAddresses   = 16
	maxAddressSize = 255
)

// Token is an invitation to a grid. Its lifetime and its uses are kept by the
// grid, under the Hash of its secret.
type Token struct {
	CA        [32]byte // fingerprint of the grid's CA
	Secret    [16]byte
	Role      jobs.Role
	Addresses []string // coordinators, HOST:PORT
}

// NewToken makes a token with a random secret.
func NewToken(ca [32]byte, role jobs.Role, addresses []string) (Token, error) {
	t := Token{CA: ca, Role: role, Addresses: addresses}
	if err := t.check(); err != nil {
		return Token{}, fmt.Errorf("make token: %w", err)
	}
	if _, err := rand.Read(t.Secret[:]); err != nil {
		return Token{}, fmt.Errorf("make token: %w", err)
	}
	return t, nil
}

// Hash is what the grid's state keeps of the secret.
func (t Token) Hash() [32]byte { return HashSecret(t.Secret[:]) }

// HashSecret is Token.Hash for a secret that came over the wire.
func HashSecret(secret []byte) [32]byte { return sha256.Sum256(secret) }

// String is the form that people copy: "anthill-" and base64url of
//
//	version (1) | length of all of this (2) | role (1) | CA (32) | secret (16) |
//	count (1) | count times: length (1), address | checksum (4)
//
// where the checksum is the start of the SHA-256 of what is before it.
func (t Token) String() string {
	if err := t.check(); err != nil {
		panic("identity: a token that no token can carry: " + err.Error())
	}
	b := []byte{tokenVersion, 0, 0, byte(t.Role)}
	b = append(b, t.CA[:]...)
	b = append(b, t.Secret[:]...)
	b = append(b, byte(len(t.Addresses)))
	for _, address := range t.Addresses {
		b = append(b, byte(len(address)))
		b = append(b, address...)
	}
	binary.BigEndian.PutUint16(b[1:], uint16(len(b)+tokenChecksum))
	sum := sha256.Sum256(b)
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(append(b, sum[:tokenChecksum]...))
}

// ParseToken reads what String wrote, with or without white space around it.
func ParseToken(s string) (Token, error) {
	body, err := openToken(strings.TrimSpace(s))
	if err != nil {
		return Token{}, fmt.Errorf("join token: %w", err)
	}
	t := Token{Role: jobs.Role(body[tokenHeader-1])}
	rest := body[tokenHeader:]
	rest = rest[copy(t.CA[:], rest):]
	rest = rest[copy(t.Secret[:], rest):]
	if t.Addresses, err = parseAddresses(rest); err != nil {
		return Token{}, fmt.Errorf("join token: %w", err)
	}
	if err := t.check(); err != nil {
		return Token{}, fmt.Errorf("join token: %w", err)
	}
	return t, nil
}

// openToken undoes the encoding and returns what the checksum covers.
func openToken(s string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(s, tokenPrefix)
	if !ok {
		return nil, fmt.Errorf("it does not start with %q: make one with `anthill token create`", tokenPrefix)
	}
	// A cut may leave a character that encodes no whole byte.
	data, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return nil, fmt.Errorf("mistyped or cut short: copy it whole (%w)", err)
	}
	if len(data) > 0 && data[0] != tokenVersion {
		return nil, fmt.Errorf("version %d is not known here: mistyped, or made by a newer anthill", data[0])
	}
	if len(data) < tokenMin || len(data) < int(binary.BigEndian.Uint16(data[1:])) {
		return nil, errors.New("cut short: copy it whole")
	}
	end := len(data) - tokenChecksum
	sum := sha256.Sum256(data[:end])
	if int(binary.BigEndian.Uint16(data[1:])) != len(data) || !bytes.Equal(sum[:tokenChecksum], data[end:]) {
		return nil, errors.New("mistyped: its checksum does not match; copy it again")
	}
	return data[:end], nil
}

func parseAddresses(b []byte) ([]string, error) {
	count, b := int(b[0]), b[1:]
	var addresses []string
	for range count {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return nil, errors.New("its list of addresses is broken")
		}
		addresses = append(addresses, string(b[1:1+int(b[0])]))
		b = b[1+int(b[0]):]
	}
	if len(b) != 0 {
		return nil, errors.New("something follows its list of addresses")
	}
	return addresses, nil
}

func (t Token) check() error {
	if _, err := jobs.ParseRole(t.Role.String()); err != nil {
		return err
	}
	if len(t.Addresses) == 0 || len(t.Addresses) > maxAddresses {
		return fmt.Errorf("%d coordinator addresses: want 1 to %d", len(t.Addresses), maxAddresses)
	}
	for _, address := range t.Addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil || host == "" || len(address) > maxAddressSize {
			return fmt.Errorf("address %q: want HOST:PORT of at most %d bytes", address, maxAddressSize)
		}
	}
	return nil
}
