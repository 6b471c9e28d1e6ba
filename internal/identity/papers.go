package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

const (
	// maxAuthorities bounds those that a node trusts at a time: the present one, and the
	// one that is to follow it.
	maxAuthorities = 2
	// maxShown bounds the certificates that are looked at of what a peer shows: one of
	// its own and one of the authority's, for each authority.
	maxShown = 2 * maxAuthorities
)

// papers are whom a node trusts, and what it shows. They are replaced whole.
type papers struct {
	cas    []*x509.Certificate // oldest first, never empty
	leaves []*x509.Certificate // its own, of the oldest CA first, one of each; never empty
}

// leafOf is what a CA has certified, nil if nothing.
func (p *papers) leafOf(ca *x509.Certificate) *x509.Certificate {
	for _, leaf := range p.leaves {
		if issued(leaf, ca) {
			return leaf
		}
	}
	return nil
}

// issued says whether a certificate, which was verified or does no harm, names a CA as its
// issuer.
func issued(leaf, ca *x509.Certificate) bool { return bytes.Equal(leaf.RawIssuer, ca.RawSubject) }

// Authorities are those that this node trusts, the oldest first: one, or two while one
// follows the other.
func (id *Identity) Authorities() []*x509.Certificate { return id.now.Load().cas }

// Newest is the newest authority that this node trusts.
func (id *Identity) Newest() *x509.Certificate {
	cas := id.Authorities()
	return cas[len(cas)-1]
}

// Trusts says whether this node trusts the authority with this fingerprint.
func (id *Identity) Trusts(fingerprint [32]byte) bool {
	return slices.Contains(id.Fingerprints(), fingerprint)
}

// Fingerprints are those of Authorities, in their order.
func (id *Identity) Fingerprints() (list [][32]byte) {
	for _, ca := range id.Authorities() {
		list = append(list, Fingerprint(ca))
	}
	return list
}

// Leaf is the node's certificate, of the newest authority that has given it one.
func (id *Identity) Leaf() *x509.Certificate {
	p := id.now.Load()
	return p.leaves[len(p.leaves)-1]
}

// LeafOf is the node's certificate of one authority; nil if it has none.
func (id *Identity) LeafOf(ca *x509.Certificate) *x509.Certificate { return id.now.Load().leafOf(ca) }

// Trust replaces the authorities that this node trusts, the oldest first. Certificates of
// others are forgotten, and connections closed that rest on them. It fails, and changes
// nothing, where the node would be left without a certificate, or one of them is not of
// this grid: whoever calls it has to know that it is told so by the grid.
func (id *Identity) Trust(cas []*x509.Certificate) error {
	if len(cas) == 0 || len(cas) > maxAuthorities {
		return fmt.Errorf("trust %d authorities: want 1 to %d", len(cas), maxAuthorities)
	}
	for _, ca := range cas {
		if grid := gridOf(ca); grid != id.Grid || !ca.IsCA {
			return fmt.Errorf("trust authority %q: it is of grid %q, and node %s of grid %s", ca.Subject.CommonName, grid, id.Node().Short(), id.Grid)
		}
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	was := id.now.Load()
	next := &papers{cas: slices.Clone(cas)}
	for _, ca := range cas {
		if leaf := was.leafOf(ca); leaf != nil {
			next.leaves = append(next.leaves, leaf)
		}
	}
	if len(next.leaves) == 0 {
		return errors.New("trust authorities: this node has no certificate of theirs yet")
	}
	id.now.Store(next)
	if slices.ContainsFunc(was.cas, func(ca *x509.Certificate) bool { return !slices.ContainsFunc(cas, ca.Equal) }) {
		id.gate.hangUp(func(shown []*x509.Certificate) bool {
			_, err := verifyShown(shown, cas)
			return err != nil
		})
	}
	return nil
}

// Renew has the node show a newer certificate, in DER, from its next connection on.
func (id *Identity) Renew(certificate []byte) error {
	id.mu.Lock()
	defer id.mu.Unlock()
	was := id.now.Load()
	next := &papers{cas: was.cas}
	renewed := false
	var refused error
	for _, ca := range was.cas {
		leaf := was.leafOf(ca)
		if made, err := New(id.Key, certificate, ca); err != nil {
			refused = err
		} else if made.Role != id.Role {
			return fmt.Errorf("renew certificate: it is for a %v, and node %s is a %v", made.Role, id.Node().Short(), id.Role)
		} else {
			leaf, renewed = made.Leaf(), true
		}
		if leaf != nil {
			next.leaves = append(next.leaves, leaf)
		}
	}
	if !renewed {
		return fmt.Errorf("renew certificate: %w", refused)
	}
	id.now.Store(next)
	return nil
}

// shown is what peers see: all of the node's certificates, and their authorities. A peer
// picks what it can check by the authorities that it trusts itself. Older versions look at
// the first and at the last alone, which belong to the oldest authority.
func (id *Identity) shown() *tls.Certificate {
	p := id.now.Load()
	c := &tls.Certificate{PrivateKey: id.Key.private, Leaf: p.leaves[0]}
	for _, leaf := range p.leaves {
		c.Certificate = append(c.Certificate, leaf.Raw)
	}
	for _, ca := range slices.Backward(p.cas) {
		c.Certificate = append(c.Certificate, ca.Raw)
	}
	return c
}

// verifyShown tells which peer shows these certificates, by what it can show of one of the
// authorities. The first is that whose key was proved in the handshake, and by which
// PeerFrom names the peer: all others of nodes must be of the same key and the same name.
// Otherwise somebody could show one that is good, and be taken for what another says.
func verifyShown(shown, cas []*x509.Certificate) (Peer, error) {
	if len(shown) > maxShown {
		return Peer{}, fmt.Errorf("peer: it shows %d certificates: want at most %d", len(shown), maxShown)
	}
	leaves := []*x509.Certificate{shown[0]}
	for _, cert := range shown[1:] {
		if cert.IsCA {
			continue
		}
		if !sameNode(shown[0], cert) {
			return Peer{}, errors.New("peer: its certificates are of different nodes")
		}
		leaves = append(leaves, cert)
	}
	var refused error
	for _, ca := range slices.Backward(cas) {
		for _, leaf := range leaves {
			peer, err := verify(leaf, ca)
			if err == nil {
				return peer, nil
			}
			if refused == nil || issued(leaf, ca) {
				refused = err
			}
		}
	}
	return Peer{}, refused
}

// sameNode says whether two certificates give the same key the same name.
func sameNode(a, b *x509.Certificate) bool {
	key, ok := a.PublicKey.(ed25519.PublicKey)
	return ok && key.Equal(b.PublicKey) && !namesItself(a) && !namesItself(b) &&
		len(a.URIs) == 1 && len(b.URIs) == 1 && a.URIs[0].String() == b.URIs[0].String()
}
