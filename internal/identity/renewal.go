package identity

import (
	"crypto/x509"
	"fmt"
	"net"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// renewAfter is the part of a certificate's life after which its node asks for another:
// there is a third left for trying.
const renewAfter = 2 * jobs.CertificateLife / 3

// Leaf is the node's newest certificate.
func (id *Identity) Leaf() *x509.Certificate {
	if c := id.renewed.Load(); c != nil {
		return c
	}
	return id.Certificate
}

// Renew has the node show a newer certificate, in DER, from its next connection on.
func (id *Identity) Renew(certificate []byte) error {
	next, err := New(id.Key, certificate, id.CA)
	if err != nil {
		return fmt.Errorf("renew certificate: %w", err)
	}
	if next.Role != id.Role {
		return fmt.Errorf("renew certificate: it is for a %v, and node %s is a %v", next.Role, id.Node().Short(), id.Role)
	}
	id.renewed.Store(next.Certificate)
	return nil
}

// Due says whether it is time for another certificate: two thirds of this one's life are
// over, or it is one of ten years, as older versions gave.
func (id *Identity) Due(now time.Time) bool {
	leaf := id.Leaf()
	begun := leaf.NotBefore.Add(clockSkew)
	return leaf.NotAfter.Sub(begun) > 2*jobs.CertificateLife || now.After(begun.Add(renewAfter)) || id.Expired(now)
}

// Expired says whether nobody takes the certificate any more.
func (id *Identity) Expired(now time.Time) bool { return now.After(id.Leaf().NotAfter) }

// Hosts are those that the certificate names, besides this machine itself.
func (id *Identity) Hosts() []string {
	hosts := append([]string(nil), id.Leaf().DNSNames...)
	for _, ip := range id.Leaf().IPAddresses {
		hosts = append(hosts, ip.String())
	}
	return hosts
}

// host is the host of HOST:PORT, or nothing.
func host(address string) []string {
	h, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	return []string{h}
}

// RenewSelf gives a coordinator its next certificate: it has the authority's key.
func (d *Directory) RenewSelf(address string) error {
	der, err := d.Authority.Issue(d.Identity.Key.Public(), d.Identity.Role, append(host(address), d.Identity.Hosts()...))
	if err != nil {
		return err
	}
	return d.Identity.Renew(der)
}
