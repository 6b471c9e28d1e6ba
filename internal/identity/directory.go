package identity

import (
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	Coordinators []string   // HOST:PORT of those known when it was saved
	Authority    *Authority // nil except for coordinators
}

// gridJSON is what tools may read of a directory.
type gridJSON struct {
	Grid         string   `json:"grid"`
	Role         string   `json:"role"`
	Owner        string   `json:"owner"`
	Coordinators []string `json:"coordinators"`
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
	d := &Directory{Owner: grid.Owner, Coordinators: grid.Coordinators}
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
	cert, err := readPEM(filepath.Join(dir, certFile), pemCertificate)
	if err != nil {
		return err
	}
	der, err := readPEM(filepath.Join(dir, caFile), pemCertificate)
	if err != nil {
		return err
	}
	ca, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("%s: %w", caFile, err)
	}
	if d.Identity, err = New(key, cert, ca); err != nil {
		return err
	}
	return d.loadSecrets(dir)
}

func (d *Directory) loadSecrets(dir string) error {
	pkcs8, err := readSecretPEM(filepath.Join(dir, caKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		d.Authority, err = LoadAuthority(d.Identity.CA, pkcs8)
	}
	return err
}

// Save writes the identity into dir, which it makes if need be (mode 0700;
// files have 0600). The file by which Load knows an identity is written last,
// so a crash leaves the old one or none.
func (d *Directory) Save(dir string) error {
	id := d.Identity
	err := id.Key.Save(filepath.Join(dir, keyFile))
	if err == nil {
		err = writePEM(filepath.Join(dir, certFile), pemCertificate, id.Leaf().Raw)
	}
	if err == nil {
		err = writePEM(filepath.Join(dir, caFile), pemCertificate, id.CA.Raw)
	}
	if err == nil {
		err = d.saveSecrets(dir)
	}
	if err == nil {
		err = d.SaveGrid(dir)
	}
	if err != nil {
		return fmt.Errorf("save identity %s: %w", dir, err)
	}
	return nil
}

// SaveGrid writes only what Coordinators and Owner say into a directory that has the
// rest. No secret is copied for that.
func (d *Directory) SaveGrid(dir string) error {
	id := d.Identity
	grid, err := json.MarshalIndent(gridJSON{id.Grid, id.Role.String(), d.Owner, d.Coordinators}, "", "  ")
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
	if d.Authority == nil {
		return removeIfThere(caKey)
	}
	pkcs8, err := d.Authority.MarshalKey()
	if err != nil {
		return err
	}
	return writePEM(caKey, pemKey, pkcs8)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
