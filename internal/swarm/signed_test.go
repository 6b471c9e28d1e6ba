package swarm

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// signing is a swarm of node ada and a peer that signs what it sends to her.
func signing(t *testing.T) (s *Swarm, p *testPeer, node jobs.NodeID, sign func(*blob.Served, credentials.AuthInfo) bool) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	sign = func(word *blob.Served, _ credentials.AuthInfo) bool {
		word.Receiver = "ada"
		word.Sign(key)
		return true
	}
	var word blob.Served
	sign(&word, nil)
	node = jobs.NodeID(word.Signer())
	pool := newPool(namedCreds{insecure.NewCredentials()})
	t.Cleanup(func() { _ = pool.Close() })
	s = newSwarm(t, Config{Patience: time.Second, Dial: pool.Dial, Node: "ada", Identify: func(credentials.AuthInfo) (jobs.NodeID, jobs.Role, error) {
		return node, jobs.Worker, nil
	}})
	p = serve(t, jobs.Worker)
	p.PieceServiceServer = NewServer(ServerConfig{Store: p.store, Sign: func(word *blob.Served, to credentials.AuthInfo) bool { return sign(word, to) }})
	return s, p, node, sign
}

func fetchOne(t *testing.T, s *Swarm, p *testPeer, data []byte) error {
	t.Helper()
	_, err := s.Fetch(deadline(t, 20*time.Second), blob.Of(data).ID(), 0, -1, providers(p))
	return err
}

// TestWhoSendsASignedWrongPieceHasProvenIt.
func TestWhoSendsASignedWrongPieceHasProvenIt(t *testing.T) {
	s, p, node, sign := signing(t)
	right, wrong := content(1, 3*piece), content(2, 3*piece)
	p.hold(t, right).hold(t, wrong)
	if err := fetchOne(t, s, p, right); err != nil {
		t.Fatalf("signed and right: %v", err)
	}
	p.PieceServiceServer = NewServer(ServerConfig{Store: p.store, Sign: sign, Tamper: func(data []byte) { data[5]++ }})
	if err := fetchOne(t, s, p, wrong); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("signed and wrong: %v", err)
	}
	caught := <-s.caught
	if caught.Node != node || caught.Proof == nil {
		t.Fatalf("caught %+v", caught)
	}
	if culprit, err := caught.Proof.Culprit(); culprit != string(node) || err != nil || caught.Proof.Served.Receiver != "ada" {
		t.Errorf("the proof is of %q, %v", culprit, err)
	}
}

// TestASignatureMustFit the bytes and the receiver.
func TestASignatureMustFit(t *testing.T) {
	for name, spoil := range map[string]func(word *blob.Served){
		"another hash": func(word *blob.Served) { word.Signature[0]++ },
		"old":          func(word *blob.Served) { word.At -= (48 * time.Hour).Milliseconds() },
	} {
		t.Run(name, func(t *testing.T) {
			s, p, _, sign := signing(t)
			data := content(4, 2*piece)
			p.hold(t, data)
			p.PieceServiceServer = NewServer(ServerConfig{Store: p.store, Sign: func(word *blob.Served, to credentials.AuthInfo) bool {
				defer spoil(word)
				return sign(word, to)
			}})
			expectRefused(t, s, fetchOne(t, s, p, data))
		})
	}
}

// TestWhoGoesBackToAVersionThatDoesNotSign is served by as before: what it sends is right.
// Once it is wrong the peer is refused, like any that does not sign.
func TestWhoGoesBackToAVersionThatDoesNotSign(t *testing.T) {
	s, p, _, _ := signing(t)
	signed, right, wrong := content(3, piece), content(5, 2*piece), content(6, 2*piece)
	p.hold(t, signed).hold(t, right).hold(t, wrong)
	if err := fetchOne(t, s, p, signed); err != nil {
		t.Fatal(err)
	}
	p.PieceServiceServer = NewServer(ServerConfig{Store: p.store})
	if err := fetchOne(t, s, p, right); err != nil {
		t.Errorf("right and not signed: %v", err)
	}
	p.PieceServiceServer = NewServer(ServerConfig{Store: p.store, Tamper: func(data []byte) { data[5]++ }})
	expectRefused(t, s, fetchOne(t, s, p, wrong))
}

// expectRefused looks whether a peer was caught, without a proof.
func expectRefused(t *testing.T, s *Swarm, err error) {
	t.Helper()
	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("it is taken: %v", err)
	}
	if caught := <-s.caught; caught.Proof != nil {
		t.Errorf("proof without a signature that fits: %+v", caught)
	}
}
