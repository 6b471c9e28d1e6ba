package rescue

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// A backup is a tar archive: about.json, the authority (ca.crt, ca.key: whoever has them
// is the grid) and the one that is to follow it, if there is one, the state, blobs/ID if they were asked for, and end.json, by which a
// backup that was cut off is recognised.
const (
	aboutName = "about.json"
	caName    = "ca.crt"
	keyName   = "ca.key"
	nextCA    = "next-ca.crt"
	nextKey   = "next-ca.key"
	stateName = "state"
	blobsDir  = "blobs/"
	endName   = "end.json"
)

// authorityNames are where each has its certificate and its key, the present one first.
var authorityNames = [][2]string{{caName, keyName}, {nextCA, nextKey}}

// About says what a backup is of.
type About struct {
	Format  int          `json:"format"`
	Grid    string       `json:"grid"`
	Index   uint64       `json:"index"` // of the log
	At      time.Time    `json:"at"`    // the grid's time
	Rules   jobs.Version `json:"rules"`
	Jobs    int          `json:"jobs"`
	Results bool         `json:"results"` // the blobs are there
}

type end struct {
	Blobs int    `json:"blobs"`
	State string `json:"state_sha256"`
}

// format numbers the layout of backups.
const format = 1

// Source is what a backup is made of.
type Source struct {
	State       func(io.Writer) (index uint64, err error) // see replica.WriteState
	Authorities *identity.Authorities
	Store       *blobstore.Store // nil: without blobs
}

// Write makes a backup.
func Write(w io.Writer, src Source) error {
	var state bytes.Buffer
	index, err := src.State(&state)
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	s, err := replica.ReadState(bytes.NewReader(state.Bytes()))
	if err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	about := About{Format: format, Grid: s.Grid, Index: index, At: s.Now.Std().UTC(), Rules: s.Version(), Jobs: len(s.Jobs), Results: src.Store != nil}
	digest := sha256.Sum256(state.Bytes())
	a := archive{tar.NewWriter(w), about.At}
	a.json(aboutName, about)
	for i, authority := range src.Authorities.All() {
		key, err := authority.MarshalKey()
		if err != nil {
			return fmt.Errorf("back up: %w", err)
		}
		a.file(authorityNames[i][0], authority.Certificate().Raw)
		a.file(authorityNames[i][1], key)
	}
	a.file(stateName, state.Bytes())
	blobs := 0
	if src.Store != nil {
		if blobs, err = a.blobs(src.Store, refs(s)); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
	}
	a.json(endName, end{blobs, hex.EncodeToString(digest[:])})
	if err := a.Close(); err != nil {
		return fmt.Errorf("back up: %w", err)
	}
	return nil
}

// refs are all blobs that a state names.
func refs(s *jobs.State) map[blob.ID]bool {
	list := map[blob.ID]bool{}
	for _, j := range s.Jobs {
		for _, ref := range j.Spec.Blobs() {
			list[ref.ID] = true
		}
		for _, place := range j.Order {
			list[j.Closed[place].Output.ID] = true
		}
	}
	for id := range s.Datasets {
		list[id] = true
	}
	return list
}

// archive writes a backup. Close tells of the first error.
type archive struct {
	*tar.Writer
	at time.Time
}

func (a archive) header(name string, size int64) error {
	return a.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: a.at, Format: tar.FormatPAX})
}

func (a archive) file(name string, data []byte) {
	if a.header(name, int64(len(data))) == nil {
		_, _ = a.Write(data) // Close tells
	}
}

func (a archive) json(name string, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic("rescue: " + err.Error()) // plain structs
	}
	a.file(name, append(text, '\n'))
}

// blobs writes those that are here, whole.
func (a archive) blobs(store *blobstore.Store, ids map[blob.ID]bool) (n int, err error) {
	for id := range ids {
		if !store.Complete(id) {
			continue
		}
		m, err := store.Manifest(id)
		if err != nil {
			return n, err
		}
		if err := a.header(blobsDir+id.String(), m.Size); err != nil {
			return n, err
		}
		if err := store.CopyTo(a, id); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Backup is one that was read, but for its blobs.
type Backup struct {
	About       About
	State       *jobs.State
	Authorities *identity.Authorities
}

// read reads a whole backup, and hands each blob to keep.
func read(r io.Reader, keep func(name string, data io.Reader) error) (b Backup, err error) {
	parts, blobs, in := map[string][]byte{}, 0, tar.NewReader(r)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return b, err
		}
		if name, ok := strings.CutPrefix(h.Name, blobsDir); ok {
			if err := keep(name, in); err != nil {
				return b, err
			}
			blobs++
			continue
		}
		if parts[h.Name], err = io.ReadAll(in); err != nil {
			return b, err
		}
	}
	return b, b.assemble(parts, blobs)
}

func (b *Backup) assemble(parts map[string][]byte, blobs int) error {
	var tail end
	if err := json.Unmarshal(parts[aboutName], &b.About); err != nil || b.About.Format != format {
		return fmt.Errorf("it is no backup that this version can read (format %d)", b.About.Format)
	}
	digest := sha256.Sum256(parts[stateName])
	if err := json.Unmarshal(parts[endName], &tail); err != nil || tail.Blobs != blobs || tail.State != hex.EncodeToString(digest[:]) {
		return errors.New("its end is missing: it was cut off")
	}
	var list []*identity.Authority
	for i, names := range authorityNames {
		if i > 0 && parts[names[0]] == nil {
			break
		}
		ca, err := x509.ParseCertificate(parts[names[0]])
		if err != nil {
			return err
		}
		authority, err := identity.LoadAuthority(ca, parts[names[1]])
		if err != nil {
			return err
		}
		list = append(list, authority)
	}
	b.Authorities = identity.NewAuthorities(list...)
	var err error
	b.State, err = replica.ReadState(bytes.NewReader(parts[stateName]))
	return err
}

// Read reads what a backup says of itself, and checks that it is whole.
func Read(path string) (Backup, error) {
	file, err := os.Open(path)
	if err != nil {
		return Backup{}, err
	}
	defer file.Close()
	b, err := read(file, func(string, io.Reader) error { return nil })
	if err != nil {
		return b, problem.Invalid("take another backup", "read backup %s: %w", path, err)
	}
	return b, nil
}
