package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// Protocols that share a coordinator's port, told apart by ALPN.
const (
	ProtoGRPC = "h2"
	ProtoRaft = "anthill-raft/1"
	// ProtoGossip is what members say of each other, see package membership.
	ProtoGossip = "anthill-gossip/1"
	// ProtoBack is for connections that were asked for the other way round, and
	// ProtoRelay for those that are to be joined with another, see package reach.
	ProtoBack  = "anthill-back/1"
	ProtoRelay = "anthill-relay/1"
	// ProtoPunch is spoken over UDP alone.
	ProtoPunch = "anthill-punch/1"
)

// Identity is an enrolled node: its key, what the grid's authorities say of it, and which
// authorities it trusts itself.
type Identity struct {
	Key  Key
	Grid string
	Role jobs.Role

	gate gate
	mu   sync.Mutex // held by who changes papers
	now  atomic.Pointer[papers]
}

// New puts an identity together and checks that its parts belong together. The
// certificate is in DER; it may have ended, see Due.
func New(key Key, certificate []byte, ca *x509.Certificate) (*Identity, error) {
	cert, err := x509.ParseCertificate(certificate)
	if err != nil {
		return nil, fmt.Errorf("identity of node %s: %w", key.Node(), err)
	}
	peer, err := verifyOwn(cert, ca)
	if err != nil {
		return nil, fmt.Errorf("identity of node %s: %w", key.Node(), err)
	}
	if peer.Node != key.Node() {
		return nil, fmt.Errorf("identity of node %s: the certificate is that of node %s", key.Node(), peer.Node)
	}
	id := &Identity{Key: key, Grid: gridOf(ca), Role: peer.Role}
	id.now.Store(&papers{[]*x509.Certificate{ca}, []*x509.Certificate{cert}})
	return id, nil
}

// Node is the node's id.
func (id *Identity) Node() jobs.NodeID { return id.Key.Node() }

// SignServed signs what this node says of a piece that it sends to whoever is at the
// other end of a connection; false if that is nobody of the grid.
func (id *Identity) SignServed(word *blob.Served, to credentials.AuthInfo) bool {
	receiver, _, err := Identify(to)
	if err != nil {
		return false
	}
	word.Receiver = string(receiver)
	id.Key.SignServed(word)
	return true
}

// Peer is how others see this node.
func (id *Identity) Peer() Peer { return Peer{Node: id.Node(), Role: id.Role} }

// ServerTLS is for serving these protocols. Every client must show a
// certificate: one from the grid's authority or, to coordinators only, one that
// the client signed itself, which makes it a Stranger that wants to enrol.
func (id *Identity) ServerTLS(protos ...string) *tls.Config {
	config := id.baseTLS(protos)
	config.ClientAuth = tls.RequireAnyClientCert
	config.VerifyConnection = func(state tls.ConnectionState) error {
		peer, err := id.verifyClient(state)
		if err != nil {
			return err
		}
		return id.admits(peer, state, true)
	}
	return config
}

func (id *Identity) verifyClient(state tls.ConnectionState) (Peer, error) {
	if len(state.PeerCertificates) == 0 {
		return Peer{}, errors.New("client showed no certificate")
	}
	peer, err := verifyShown(state.PeerCertificates, id.Authorities())
	if err == nil && peer.Role == jobs.Stranger && id.Role != jobs.Coordinator {
		return Peer{}, notOf(id.Grid, peer)
	}
	return peer, err
}

// ClientTLS is for reaching nodes of the grid that satisfy want; nil wants any.
// Servers are known by node id and role, not by host name.
func (id *Identity) ClientTLS(want Want, protos ...string) *tls.Config {
	config := id.baseTLS(protos)
	config.InsecureSkipVerify = true // VerifyConnection does more than the host check
	config.VerifyConnection = func(state tls.ConnectionState) error {
		peer, err := verifyServer(state, id.Authorities(), want)
		if err != nil {
			return err
		}
		return id.admits(peer, state, false)
	}
	return config
}

// EnrolTLS is for a node that shows a certificate of its own making: it has none of the
// grid's yet, or none that is still good for anything. It reaches coordinators of the grid
// that has one of these authorities, which are known by their fingerprints.
func EnrolTLS(key Key, authorities [][32]byte, protos ...string) (*tls.Config, error) {
	cert, err := selfSign(key)
	if err != nil {
		return nil, err
	}
	config := baseTLS(protos)
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key.private}}
	config.InsecureSkipVerify = true // there is no CA to check by but those with these fingerprints
	config.VerifyConnection = func(state tls.ConnectionState) error {
		cas, err := shownBy(state, authorities)
		if err == nil {
			_, err = verifyServer(state, cas, WantRole(jobs.Coordinator))
		}
		return err
	}
	return config, nil
}

// CAFrom finds the CA with this fingerprint in what a server showed. A node
// that enrols keeps it.
func CAFrom(state tls.ConnectionState, fingerprint [32]byte) (*x509.Certificate, error) {
	cas, err := shownBy(state, [][32]byte{fingerprint})
	if err != nil {
		return nil, err
	}
	return cas[0], nil
}

// shownBy are those of the authorities that a server showed.
func shownBy(state tls.ConnectionState, authorities [][32]byte) (cas []*x509.Certificate, err error) {
	for i, cert := range state.PeerCertificates {
		if i > 0 && slices.Contains(authorities, Fingerprint(cert)) {
			cas = append(cas, cert)
		}
	}
	if len(cas) == 0 {
		return nil, errors.New("the server is not of the grid that the token is for: its authority is another")
	}
	return cas, nil
}

func verifyServer(state tls.ConnectionState, cas []*x509.Certificate, want Want) (Peer, error) {
	if len(state.PeerCertificates) == 0 {
		return Peer{}, errors.New("server showed no certificate")
	}
	peer, err := verifyShown(state.PeerCertificates, cas)
	if err == nil && peer.Role == jobs.Stranger {
		err = notOf(gridOf(cas[0]), peer)
	}
	if err == nil && want != nil {
		err = want(peer)
	}
	return peer, err
}

// baseTLS shows the authorities besides the certificates: a node that enrols knows one by
// its fingerprint only.
func (id *Identity) baseTLS(protos []string) *tls.Config {
	config := baseTLS(protos)
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return id.shown(), nil }
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.shown(), nil }
	return config
}

func baseTLS(protos []string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             protos,
		SessionTicketsDisabled: true, // connections live long, and each is verified afresh
	}
}
