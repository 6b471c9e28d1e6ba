package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	authorityLife = 20 * 365 * 24 * time.Hour
	// oldLife is for nodes of older versions, which renew nothing.
	oldLife = 10 * 365 * 24 * time.Hour
	// clockSkew is for other programs than this one, such as grpcurl, whose clocks may be
	// behind: we rely on no certificate's beginning, see since.
	clockSkew = 24 * time.Hour
)

// Authority is the grid's CA. Each coordinator has its key, so that any of them
// can admit nodes.
type Authority struct {
	private     ed25519.PrivateKey
	certificate *x509.Certificate
}

// NewAuthority founds a grid.
func NewAuthority() (*Authority, error) {
	return makeAuthority("")
}

// Successor makes an authority that is to follow this one: of the same grid, with a key of
// its own, which this one's holders do not have.
func (a *Authority) Successor() (*Authority, error) { return makeAuthority(a.Grid()) }

// makeAuthority makes that of a grid or, where none is named, of a new one.
func makeAuthority(grid string) (*Authority, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make authority: %w", err)
	}
	name := "anthill grid " + gridOfKey(public)
	var uris []*url.URL
	if grid != "" {
		name = "anthill grid " + grid + " by " + gridOfKey(public)
		uris = []*url.URL{{Scheme: "spiffe", Host: grid}}
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		URIs:                  uris,
		NotBefore:             time.Now().Add(-clockSkew),
		NotAfter:              time.Now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	cert, err := sign(template, template, public, private)
	if err != nil {
		return nil, fmt.Errorf("make authority: %w", err)
	}
	return &Authority{private, cert}, nil
}

// LoadAuthority joins the CA's certificate with its key as MarshalKey gave it.
func LoadAuthority(ca *x509.Certificate, pkcs8 []byte) (*Authority, error) {
	private, err := parsePrivate(pkcs8)
	if err != nil {
		return nil, fmt.Errorf("load authority: %w", err)
	}
	if !private.Public().(ed25519.PublicKey).Equal(ca.PublicKey) {
		return nil, fmt.Errorf("load authority: the key is not that of grid %s", gridOf(ca))
	}
	return &Authority{private, ca}, nil
}

// Authorities are those whose keys a coordinator has. The zero value has none.
type Authorities struct {
	list atomic.Pointer[[]*Authority]
}

// NewAuthorities are these.
func NewAuthorities(list ...*Authority) *Authorities {
	a := &Authorities{}
	a.Set(list...)
	return a
}

// Set replaces them, the oldest first.
func (a *Authorities) Set(list ...*Authority) { a.list.Store(&list) }

// All are all of them, the oldest first.
func (a *Authorities) All() []*Authority {
	if list := a.list.Load(); list != nil {
		return *list
	}
	return nil
}

// Certificates are those of All.
func (a *Authorities) Certificates() (list []*x509.Certificate) {
	for _, each := range a.All() {
		list = append(list, each.certificate)
	}
	return list
}

// Of is the one with this fingerprint; nil if there is none.
func (a *Authorities) Of(fingerprint [32]byte) *Authority {
	for _, each := range a.All() {
		if each.Fingerprint() == fingerprint {
			return each
		}
	}
	return nil
}

// MarshalKey is the private key as PKCS #8.
func (a *Authority) MarshalKey() ([]byte, error) {
	return x509.MarshalPKCS8PrivateKey(a.private)
}

// Certificate is the CA's own.
func (a *Authority) Certificate() *x509.Certificate { return a.certificate }

// Fingerprint is what join tokens carry.
func (a *Authority) Fingerprint() [32]byte { return Fingerprint(a.certificate) }

// Grid is the grid's id: 16 hex digits.
func (a *Authority) Grid() string { return gridOf(a.certificate) }

// Issue certifies that a key has a role, for jobs.CertificateLife. Certificates of
// coordinators also name hosts (IP addresses or DNS names, without ports), so
// that an ordinary TLS client such as grpcurl can check where it is; other
// roles are reached by node id alone. It returns DER.
func (a *Authority) Issue(public ed25519.PublicKey, role jobs.Role, hosts []string) ([]byte, error) {
	return a.IssueAt(time.Now(), public, role, hosts)
}

// IssueOld is IssueAt for a node that renews nothing.
func (a *Authority) IssueOld(now time.Time, public ed25519.PublicKey, role jobs.Role, hosts []string) ([]byte, error) {
	return a.issue(now, oldLife, public, role, hosts)
}

// IssueAt is Issue for a time that is better known than by this machine's clock.
func (a *Authority) IssueAt(now time.Time, public ed25519.PublicKey, role jobs.Role, hosts []string) ([]byte, error) {
	return a.issue(now, jobs.CertificateLife, public, role, hosts)
}

func (a *Authority) issue(now time.Time, life time.Duration, public ed25519.PublicKey, role jobs.Role, hosts []string) ([]byte, error) {
	peer := Peer{Node: NodeOf(public), Role: role}
	if _, err := jobs.ParseRole(role.String()); err != nil {
		return nil, fmt.Errorf("issue certificate to node %s: %w", peer.Node, err)
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"anthill"}, CommonName: string(peer.Node)},
		NotBefore:             now.Add(-clockSkew),
		NotAfter:              now.Add(life),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		URIs:                  []*url.URL{name(a.Grid(), peer)},
	}
	if role == jobs.Coordinator {
		if err := addHosts(template, hosts); err != nil {
			return nil, fmt.Errorf("issue certificate to node %s: %w", peer.Node, err)
		}
	}
	cert, err := sign(template, a.certificate, public, a.private)
	if err != nil {
		return nil, fmt.Errorf("issue certificate to node %s: %w", peer.Node, err)
	}
	return cert.Raw, nil
}

func addHosts(template *x509.Certificate, hosts []string) error {
	dnsName := regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)
	seen := map[string]bool{}
	for _, host := range slices.Concat(hosts, []string{"localhost", "127.0.0.1", "::1"}) {
		host = strings.ToLower(strings.TrimSuffix(host, "."))
		ip := net.ParseIP(host)
		switch {
		case seen[host] || ip != nil && ip.IsUnspecified():
		case ip != nil:
			template.IPAddresses = append(template.IPAddresses, ip)
		case dnsName.MatchString(host):
			template.DNSNames = append(template.DNSNames, host)
		default:
			return fmt.Errorf("host %q: want an IP address or a DNS name", host)
		}
		seen[host] = true
	}
	return nil
}

// selfSign makes the certificate of a node that has none yet. It is valid at any time: a
// node whose clock is wrong is told so by the grid, which needs a connection.
func selfSign(key Key) (*x509.Certificate, error) {
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: string(key.Node())},
		NotBefore: time.Unix(0, 0),
		NotAfter:  time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), // for "without end", see RFC 5280
		KeyUsage:  x509.KeyUsageDigitalSignature,
	}
	cert, err := sign(template, template, key.Public(), key.private)
	if err != nil {
		return nil, fmt.Errorf("sign certificate of node %s: %w", key.Node(), err)
	}
	return cert, nil
}

func sign(template, parent *x509.Certificate, public ed25519.PublicKey, by ed25519.PrivateKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Fingerprint is the SHA-256 of a certificate's DER form.
func Fingerprint(cert *x509.Certificate) [32]byte { return sha256.Sum256(cert.Raw) }

// gridOf is the id of the grid that has this CA: the first is the grid, and its successors
// name it. A CA with another kind of key has none.
func gridOf(ca *x509.Certificate) string {
	if len(ca.URIs) == 1 && ca.URIs[0].Scheme == "spiffe" {
		return ca.URIs[0].Host
	}
	public, _ := ca.PublicKey.(ed25519.PublicKey)
	if public == nil {
		return ""
	}
	return gridOfKey(public)
}

func gridOfKey(public ed25519.PublicKey) string {
	sum := publicKeyHash(public)
	return hex.EncodeToString(sum[:8])
}
