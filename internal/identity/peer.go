package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// Peer is who is at the other end of a connection, as TLS proved it.
type Peer struct {
	Node jobs.NodeID
	Role jobs.Role
}

// Want judges the server that a client has reached.
type Want func(Peer) error

// WantRole accepts peers of these roles.
func WantRole(roles ...jobs.Role) Want {
	return func(p Peer) error {
		if slices.Contains(roles, p.Role) {
			return nil
		}
		names := make([]string, len(roles))
		for i, role := range roles {
			names[i] = role.String()
		}
		return fmt.Errorf("node %s is a %s: want a %s", p.Node, p.Role, strings.Join(names, " or "))
	}
}

// WantNode accepts one node.
func WantNode(node jobs.NodeID) Want {
	return func(p Peer) error {
		if p.Node == node {
			return nil
		}
		return fmt.Errorf("node %s answers in the place of node %s", p.Node, node)
	}
}

// PeerFrom names the other end of a connection that was made with one of this
// package's TLS configurations: they have verified what it relies on.
func PeerFrom(state tls.ConnectionState) (Peer, error) {
	if len(state.PeerCertificates) == 0 {
		return Peer{}, errors.New("peer: it showed no certificate")
	}
	cert := state.PeerCertificates[0] // verifyShown has seen to it that the others agree
	if namesItself(cert) {
		return stranger(cert)
	}
	return named(cert)
}

// verify tells which peer shows this certificate: a node that the authority
// certified, or a Stranger that signed it itself.
func verify(cert, ca *x509.Certificate) (Peer, error) { return verifyAt(time.Now(), cert, ca) }

// verifyOwn is for a certificate of one's own, which may have ended.
func verifyOwn(cert, ca *x509.Certificate) (Peer, error) {
	at := time.Now()
	if at.After(cert.NotAfter) {
		at = cert.NotAfter
	}
	peer, err := verifyAt(at, cert, ca)
	if err == nil && peer.Role == jobs.Stranger {
		return Peer{}, notOf(gridOf(ca), peer)
	}
	return peer, err
}

func verifyAt(now time.Time, cert, ca *x509.Certificate) (Peer, error) {
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	_, err := cert.Verify(x509.VerifyOptions{
		Roots:       roots,
		KeyUsages:   []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
		CurrentTime: since(now, cert, ca),
	})
	if err == nil {
		return verifyNamed(cert, ca)
	}
	if !namesItself(cert) {
		return Peer{}, fmt.Errorf("certificate of %q: %w", cert.Subject.CommonName, explain(err))
	}
	return verifyStranger(cert)
}

// notOf refuses a Stranger where there is nothing for one.
func notOf(grid string, peer Peer) error {
	return fmt.Errorf("node %s: its certificate is not from grid %s", peer.Node, grid)
}

func verifyNamed(cert, ca *x509.Certificate) (Peer, error) {
	peer, err := named(cert)
	if err != nil {
		return Peer{}, err
	}
	public, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return Peer{}, fmt.Errorf("certificate of node %s: a %T is not an Ed25519 key", peer.Node, cert.PublicKey)
	}
	if id := NodeOf(public); id != peer.Node {
		return Peer{}, fmt.Errorf("certificate of node %s: its key is that of node %s", peer.Node, id)
	}
	if want := name(gridOf(ca), peer); cert.URIs[0].String() != want.String() {
		return Peer{}, fmt.Errorf("certificate names %s: want %s", cert.URIs[0], want)
	}
	return peer, nil
}

func verifyStranger(cert *x509.Certificate) (Peer, error) {
	peer, err := stranger(cert)
	if err != nil {
		return Peer{}, err
	}
	if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		return Peer{}, fmt.Errorf("self-signed certificate of node %s: %w", peer.Node, err)
	}
	return peer, nil
}

// namesItself tells self-signed certificates by their names. An Authority
// never gives a node its own name.
func namesItself(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, cert.RawSubject)
}

func stranger(cert *x509.Certificate) (Peer, error) {
	public, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return Peer{}, fmt.Errorf("self-signed certificate: a %T is not an Ed25519 key", cert.PublicKey)
	}
	return Peer{Node: NodeOf(public), Role: jobs.Stranger}, nil
}

// named reads a certificate's SPIFFE name.
func named(cert *x509.Certificate) (Peer, error) {
	if len(cert.URIs) != 1 || cert.URIs[0].Scheme != "spiffe" {
		return Peer{}, fmt.Errorf("certificate of %q: want one spiffe:// name", cert.Subject.CommonName)
	}
	parts := strings.Split(cert.URIs[0].Path, "/")
	if len(parts) != 3 {
		return Peer{}, fmt.Errorf("certificate names %s: want spiffe://GRID/ROLE/NODE", cert.URIs[0])
	}
	role, err := jobs.ParseRole(parts[1])
	if err != nil {
		return Peer{}, fmt.Errorf("certificate names %s: %w", cert.URIs[0], err)
	}
	return Peer{Node: jobs.NodeID(parts[2]), Role: role}, nil
}

func name(grid string, peer Peer) *url.URL {
	return &url.URL{Scheme: "spiffe", Host: grid, Path: "/" + peer.Role.String() + "/" + string(peer.Node)}
}
