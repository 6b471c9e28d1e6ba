package identity

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/jobs"
)

// Files of an identity directory. The rest of a data directory belongs to
// others.
const (
	keyFile   = "key.pem"
	certFile  = "cert.pem"
	caFile    = "ca.pem"
	gridFile  = "grid.json"
	caKeyFile = "ca-key.pem"
	// oldGossipKeyFile was every node's once, and is of no use any more.
	oldGossipKeyFile = "gossip.key"
)

// ErrNoIdentity tells that a directory holds no enrolled node.
var ErrNoIdentity = errors.New("no identity")

// Directory is all that a node keeps of who it is.
type Directory struct {
	Identity     *Identity
	Owner        string
	Coordinators []string // HOST:PORT of those known when it was saved
	// Voters are the coordinators from which the node takes it whom to trust, see package
	// enrol; none: it knows of none yet.
	Voters []jobs.NodeID
	// Serial numbers the authorities that Identity trusts, and Former are the fingerprints
	// in hex of those that it once did.
	Serial uint64
	Former []string
	// Authorities are those whose keys are here; nil except for coordinators.
	Authorities *Authorities
}

// gridJSON is what tools may read of a directory.
type gridJSON struct {
	Grid         string   `json:"grid"`
	Role         string   `json:"role"`
	Owner        string   `json:"owner"`
	Coordinators []string `json:"coordinators"`
	// What follows is of grids whose coordinators tell it, and of authorities that changed.
	Voters            []jobs.NodeID `json:"voters,omitempty"`
	Authorities       uint64        `json:"authorities,omitempty"`
	FormerAuthorities []string      `json:"former_authorities,omitempty"`
}

// Load reads what Save wrote, and removes what a killed Save left behind. It fails
// with ErrNoIdentity if there is no complete identity in dir.
func Load(dir string) (*Directory, error) {
	data, err := os.ReadFile(filepath.Join(dir, gridFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("load identity %s: %w", dir, ErrNoIdentity)
	}
	if err != nil {
		return nil, fmt.Errorf("load identity: %w", err)
	}
	var grid gridJSON
	if err := json.Unmarshal(data, &grid); err != nil {
		return nil, fmt.Errorf("load identity %s: %s: %w", dir, gridFile, err)
	}
	d := &Directory{Owner: grid.Owner, Coordinators: grid.Coordinators, Voters: grid.Voters, Serial: grid.Authorities, Former: grid.FormerAuthorities}
	sweep(dir)
	if err := d.loadFiles(dir); err != nil {
		return nil, fmt.Errorf("load identity %s: %w", dir, err)
	}
	if id := d.Identity; grid.Grid != id.Grid || grid.Role != id.Role.String() {
		return nil, fmt.Errorf("load identity %s: %s says %s of grid %s, the certificate %s of grid %s",
			dir, gridFile, grid.Role, grid.Grid, id.Role, id.Grid)
	}
	return d, nil
}

func (d *Directory) loadFiles(dir string) error {
	key, err := LoadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	leaves, err := readPEMs(filepath.Join(dir, certFile), pemCertificate)
	if err != nil {
		return err
	}
	ders, err := readPEMs(filepath.Join(dir, caFile), pemCertificate)
	if err != nil {
		return err
	}
	var cas []*x509.Certificate
	for _, der := range ders {
		ca, err := x509.ParseCertificate(der)
		if err != nil {
			return fmt.Errorf("%s: %w", caFile, err)
		}
		cas = append(cas, ca)
	}
	if d.Identity, err = assemble(key, leaves, cas); err != nil {
		return err
	}
	return d.loadSecrets(dir)
}

// assemble puts an identity together of what a directory has. Files are replaced one after
// the other, so one may be newer than another: what does not belong to the rest is left
// out, as long as something does.
func assemble(key Key, leaves [][]byte, cas []*x509.Certificate) (*Identity, error) {
	var id *Identity
	var refused error
	for _, leaf := range leaves {
		for _, ca := range cas {
			made, err := New(key, leaf, ca)
			switch {
			case err != nil && refused == nil:
				refused = err
			case err == nil && id == nil:
				id = made
			}
		}
	}
	if id == nil {
		return nil, refused
	}
	id.now.Store(&papers{cas, id.now.Load().leaves})
	for _, leaf := range leaves {
		_ = id.Renew(leaf) // what belongs to nothing is left out
	}
	return id, id.Trust(cas)
}

// loadSecrets leaves keys out that belong to no authority that is trusted, for the reason
// of assemble.
func (d *Directory) loadSecrets(dir string) error {
	keys, err := readSecretPEMs(filepath.Join(dir, caKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var list []*Authority
	var refused error
	for _, ca := range d.Identity.Authorities() {
		for _, pkcs8 := range keys {
			a, err := LoadAuthority(ca, pkcs8)
			if err == nil {
				list = append(list, a)
				break
			}
			refused = err
		}
	}
	if len(list) == 0 {
		return refused
	}
	d.Authorities = NewAuthorities(list...)
	return nil
}

// Save writes the identity into dir, which it makes if need be (mode 0700;
// files have 0600). The file by which Load knows an identity is written last,
// so a crash leaves the old one or none.
func (d *Directory) Save(dir string) error {
	id := d.Identity
	err := id.Key.Save(filepath.Join(dir, keyFile))
	if err == nil {
		err = d.saveSecrets(dir) // before an authority is trusted whose key is here
	}
	papers := id.now.Load()
	if err == nil {
		err = writePEM(filepath.Join(dir, caFile), pemCertificate, raw(papers.cas)...)
	}
	if err == nil {
		err = writePEM(filepath.Join(dir, certFile), pemCertificate, raw(papers.leaves)...)
	}
	if err == nil {
		err = d.SaveGrid(dir)
	}
	if err != nil {
		return fmt.Errorf("save identity %s: %w", dir, err)
	}
	return nil
}

func raw(certificates []*x509.Certificate) (ders [][]byte) {
	for _, c := range certificates {
		ders = append(ders, c.Raw)
	}
	return ders
}

// SaveGrid writes only what the fields besides Identity and Authorities say into a
// directory that has the rest. No secret is copied for that.
func (d *Directory) SaveGrid(dir string) error {
	id := d.Identity
	grid, err := json.MarshalIndent(gridJSON{id.Grid, id.Role.String(), d.Owner, d.Coordinators, d.Voters, d.Serial, d.Former}, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", gridFile, err)
	}
	return writeFile(filepath.Join(dir, gridFile), append(grid, '\n'))
}

// saveSecrets also removes secrets that an earlier identity left behind.
func (d *Directory) saveSecrets(dir string) error {
	if err := removeIfThere(filepath.Join(dir, oldGossipKeyFile)); err != nil {
		return err
	}
	caKey := filepath.Join(dir, caKeyFile)
	if d.Authorities == nil {
		return removeIfThere(caKey)
	}
	var keys [][]byte
	for _, a := range d.Authorities.All() {
		pkcs8, err := a.MarshalKey()
		if err != nil {
			return err
		}
		keys = append(keys, pkcs8)
	}
	return writePEM(caKey, pemKey, keys...)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
