package identity

import (
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	pemKey         = "PRIVATE KEY"
	pemCertificate = "CERTIFICATE"
)

// Key is a node's private key. The zero Key is not usable.
type Key struct {
	private ed25519.PrivateKey
}

// NewKey makes a random key.
func NewKey() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("make key: %w", err)
	}
	return Key{private}, nil
}

// LoadKey reads a PKCS #8 PEM file that Save wrote.
func LoadKey(path string) (Key, error) {
	der, err := readSecretPEM(path)
	if err != nil {
		return Key{}, fmt.Errorf("load key: %w", err)
	}
	private, err := parsePrivate(der)
	if err != nil {
		return Key{}, fmt.Errorf("load key %s: %w", path, err)
	}
	return Key{private}, nil
}

// OpenKey loads the key of a data directory, or makes and saves one. A node
// saves its key before it enrols, so that it can ask again as the same node
// when the answer was lost.
func OpenKey(dir string) (Key, error) {
	path := filepath.Join(dir, keyFile)
	key, err := LoadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = NewKey(); err != nil {
		return Key{}, err
	}
	return key, key.Save(path)
}

// Save writes the key as PKCS #8 PEM, readable by the owner alone. It makes
// the directory if there is none.
func (k Key) Save(path string) error {
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		return fmt.Errorf("save key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("save key: %w", err)
	}
	return writePEM(path, pemKey, der)
}

// Public is the key's public half.
func (k Key) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// Node is the id of the node that has this key.
func (k Key) Node() jobs.NodeID { return NodeOf(k.Public()) }

// SignServed signs what the node that has this key says of a piece that it sends.
func (k Key) SignServed(word *blob.Served) { word.Sign(k.private) }

// Derive gives a secret for one purpose, from which neither the key nor another secret
// follows. It stays the same as long as the key does.
func (k Key) Derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.private.Seed(), nil, "anthill "+purpose, sha256.Size)
}

// NodeOf is a public key's node id: the first 32 hex digits of the SHA-256 of
// its PKIX form.
func NodeOf(public ed25519.PublicKey) jobs.NodeID {
	sum := publicKeyHash(public)
	return jobs.NodeID(hex.EncodeToString(sum[:16]))
}

func publicKeyHash(public ed25519.PublicKey) [32]byte {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic("identity: an Ed25519 public key has a PKIX form: " + err.Error())
	}
	return sha256.Sum256(der)
}

func parsePrivate(der []byte) (ed25519.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T is not an Ed25519 key", parsed)
	}
	return private, nil
}

func readSecretPEM(path string) ([]byte, error) {
	list, err := readSecretPEMs(path)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

func readSecretPEMs(path string) ([][]byte, error) {
	if err := checkSecret(path); err != nil {
		return nil, err
	}
	return readPEMs(path, pemKey)
}

// checkSecret refuses a secret that others on the machine can read. Windows
// has no such mode bits.
func checkSecret(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("%s: mode %#o lets others use this secret: chmod 600 it", path, mode)
	}
	return nil
}

// readPEMs reads the blocks of a file, at least one, all of the same kind.
func readPEMs(path, kind string) (ders [][]byte, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for block, rest := pem.Decode(data); block != nil && block.Type == kind; block, rest = pem.Decode(rest) {
		ders = append(ders, block.Bytes)
	}
	if len(ders) == 0 {
		return nil, fmt.Errorf("%s: no PEM block of type %s", path, kind)
	}
	return ders, nil
}

func writePEM(path, kind string, ders ...[]byte) error {
	var text []byte
	for _, der := range ders {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
	}
	return writeFile(path, text)
}

// tempPattern is what the names of files end with that are being written, and tempAge
// how old one must be to be taken for left over.
const (
	tempPattern = ".*.tmp"
	tempAge     = time.Minute
)

// sweep removes half-written files: one may be a copy of a key. What cannot be removed
// now stays for the next time.
func sweep(dir string) {
	for _, name := range []string{keyFile, certFile, caFile, gridFile, oldGossipKeyFile, caKeyFile} {
		left, _ := filepath.Glob(filepath.Join(dir, name+tempPattern)) // the pattern is well-formed, or dir has odd letters
		for _, path := range left {
			if info, err := os.Lstat(path); err == nil && time.Since(info.ModTime()) > tempAge {
				_ = os.Remove(path)
			}
		}
	}
}

// writeFile replaces a file whole, with mode 0600.
func writeFile(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+tempPattern)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}
