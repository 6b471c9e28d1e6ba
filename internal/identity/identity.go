package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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

// Identity is an enrolled node: its key and what the authority says of it.
type Identity struct {
	Key         Key
	Certificate *x509.Certificate
	CA          *x509.Certificate
	Grid        string
	Role        jobs.Role

	gate    gate
	renewed atomic.Pointer[x509.Certificate] // that came since; nil: none
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
	return &Identity{Key: key, Certificate: cert, CA: ca, Grid: gridOf(ca), Role: peer.Role}, nil
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
	if id.Role == jobs.Coordinator {
		return verify(state.PeerCertificates[0], id.CA)
	}
	return verifyMember(state.PeerCertificates[0], id.CA)
}

// ClientTLS is for reaching nodes of the grid that satisfy want; nil wants any.
// Servers are known by node id and role, not by host name.
func (id *Identity) ClientTLS(want Want, protos ...string) *tls.Config {
	config := id.baseTLS(protos)
	config.InsecureSkipVerify = true // VerifyConnection does more than the host check
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if err := verifyServer(state, id.CA, want); err != nil {
			return err
		}
		peer, err := PeerFrom(state)
		if err != nil {
			return err
		}
		return id.admits(peer, state, false)
	}
	return config
}

// EnrolTLS is for a node that has no certificate yet. It reaches coordinators
// of the grid whose CA has this fingerprint.
func EnrolTLS(key Key, caFingerprint [32]byte, protos ...string) (*tls.Config, error) {
	cert, err := selfSign(key)
	if err != nil {
		return nil, err
	}
	config := baseTLS(protos)
	config.Certificates = []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key.private}}
	config.InsecureSkipVerify = true // there is no CA to check by but the one with this fingerprint
	config.VerifyConnection = func(state tls.ConnectionState) error {
		ca, err := CAFrom(state, caFingerprint)
		if err != nil {
			return err
		}
		return verifyServer(state, ca, WantRole(jobs.Coordinator))
	}
	return config, nil
}

// CAFrom finds the CA with this fingerprint in what a server showed. A node
// that enrols keeps it.
func CAFrom(state tls.ConnectionState, fingerprint [32]byte) (*x509.Certificate, error) {
	chain := state.PeerCertificates
	if len(chain) < 2 || Fingerprint(chain[len(chain)-1]) != fingerprint {
		return nil, errors.New("the server is not of the grid that the token is for: its authority is another")
	}
	return chain[len(chain)-1], nil
}

func verifyServer(state tls.ConnectionState, ca *x509.Certificate, want Want) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("server showed no certificate")
	}
	peer, err := verifyMember(state.PeerCertificates[0], ca)
	if err != nil || want == nil {
		return err
	}
	return want(peer)
}

// baseTLS shows the CA besides the leaf: a node that enrols knows the CA by its
// fingerprint only.
func (id *Identity) baseTLS(protos []string) *tls.Config {
	config := baseTLS(protos)
	config.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return id.shown(), nil }
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return id.shown(), nil }
	return config
}

// shown is what peers see: the newest certificate.
func (id *Identity) shown() *tls.Certificate {
	leaf := id.Leaf()
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, id.CA.Raw}, PrivateKey: id.Key.private, Leaf: leaf}
}

func baseTLS(protos []string) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		NextProtos:             protos,
		SessionTicketsDisabled: true, // connections live long, and each is verified afresh
	}
}
