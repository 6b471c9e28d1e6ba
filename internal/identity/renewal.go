package identity

import (
	"crypto/x509"
	"net"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// renewAfter is the part of a certificate's life after which its node asks for another:
// there is a third left for trying.
const renewAfter = 2 * jobs.CertificateLife / 3

// Due says whether it is time for other certificates, see Wanting.
func (id *Identity) Due(now time.Time) bool { return len(id.Wanting(now)) > 0 }

// Wanting are the authorities from which the node should have another certificate: it has
// none, two thirds of its life are over, or it is one of ten years, as older versions gave.
func (id *Identity) Wanting(now time.Time) (list []*x509.Certificate) {
	p := id.now.Load()
	for _, ca := range p.cas {
		leaf := p.leafOf(ca)
		if leaf == nil {
			list = append(list, ca)
			continue
		}
		begun := leaf.NotBefore.Add(clockSkew)
		if leaf.NotAfter.Sub(begun) > 2*jobs.CertificateLife || now.After(begun.Add(renewAfter)) || now.After(leaf.NotAfter) {
			list = append(list, ca)
		}
	}
	return list
}

// Expired says whether nobody takes any of the certificates any more.
func (id *Identity) Expired(now time.Time) bool {
	return !slices.ContainsFunc(id.now.Load().leaves, func(leaf *x509.Certificate) bool { return !now.After(leaf.NotAfter) })
}

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

// RenewSelf gives a coordinator its next certificates, from all authorities that it trusts
// and whose keys it has.
func (d *Directory) RenewSelf(address string) error {
	hosts := append(host(address), d.Identity.Hosts()...)
	for _, ca := range d.Identity.Authorities() {
		a := d.Authorities.Of(Fingerprint(ca))
		if a == nil {
			continue
		}
		der, err := a.Issue(d.Identity.Key.Public(), d.Identity.Role, hosts)
		if err != nil {
			return err
		}
		if err := d.Identity.Renew(der); err != nil {
			return err
		}
	}
	return nil
}
