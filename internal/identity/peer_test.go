package identity

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

func TestSelfSignedMustBeHonest(t *testing.T) {
	a, key := newAuthority(t), newKey(t)
	template := func() *x509.Certificate {
		return &x509.Certificate{
			Subject:   pkix.Name{CommonName: "me"},
			NotBefore: time.Now().Add(-time.Hour),
			NotAfter:  time.Now().Add(time.Hour),
		}
	}
	selfSigned := func(c *x509.Certificate, public ed25519.PublicKey, by Key) *x509.Certificate {
		cert, err := sign(c, c, public, by.private)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}

	boasting := template()
	boasting.URIs = []*url.URL{name(a.Grid(), Peer{key.Node(), jobs.Coordinator})}
	peer, err := verify(selfSigned(boasting, key.Public(), key), a.certificate)
	if err != nil || peer.Role != jobs.Stranger {
		t.Errorf("a node that names itself coordinator is %v, %v: want a stranger", peer, err)
	}

	// CreateCertificate checks what it signs, so the theft of another's key has
	// to be patched in.
	victim := newKey(t)
	stolen := selfSigned(template(), key.Public(), key)
	raw := []byte(strings.Replace(string(stolen.Raw), string(key.Public()), string(victim.Public()), 1))
	if stolen, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	_, err = verify(stolen, a.certificate)
	wantError(t, err, "self-signed certificate of node "+string(victim.Node()))

	expired := template() // which says nothing but that its clock is not ours
	expired.NotAfter = time.Now().Add(-time.Minute)
	if peer, err = verify(selfSigned(expired, key.Public(), key), a.certificate); err != nil || peer.Role != jobs.Stranger {
		t.Errorf("a node with another clock is %v, %v: want a stranger", peer, err)
	}

	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template(), template(), p256.Public(), p256)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	_, err = verify(cert, a.certificate)
	wantError(t, err, "not an Ed25519 key")
}
