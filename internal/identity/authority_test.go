package identity

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

func newAuthority(t *testing.T) *Authority {
	t.Helper()
	a, err := NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func newKey(t *testing.T) Key {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func enrol(t *testing.T, a *Authority, role jobs.Role, hosts ...string) *Identity {
	t.Helper()
	key := newKey(t)
	der, err := a.Issue(key.Public(), role, hosts)
	if err != nil {
		t.Fatal(err)
	}
	id, err := New(key, der, a.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// forge signs a node certificate that Issue would not make.
func forge(t *testing.T, a *Authority, key Key, change func(*x509.Certificate)) *Identity {
	t.Helper()
	template := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "forged"},
		NotBefore: time.Now().Add(-time.Hour),
		NotAfter:  time.Now().Add(time.Hour),
		URIs:      []*url.URL{name(a.Grid(), Peer{key.Node(), jobs.Worker})},
	}
	change(template)
	cert, err := sign(template, a.certificate, key.Public(), a.private)
	if err != nil {
		t.Fatal(err)
	}
	return with(&Identity{Key: key, Grid: a.Grid(), Role: jobs.Worker}, a.Certificate(), cert)
}

// with gives an identity papers that nobody has checked.
func with(id *Identity, ca *x509.Certificate, leaf *x509.Certificate) *Identity {
	id.now.Store(&papers{[]*x509.Certificate{ca}, []*x509.Certificate{leaf}})
	return id
}

func mustSelfSign(t *testing.T, key Key) *x509.Certificate {
	t.Helper()
	cert, err := selfSign(key)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestIssueRefusals(t *testing.T) {
	a, key := newAuthority(t), newKey(t)
	for _, host := range []string{"", "*.example.org", "a b", "host:1", "a..b", "ünï", strings.Repeat("a", 10) + "/"} {
		if _, err := a.Issue(key.Public(), jobs.Coordinator, []string{host}); err == nil {
			t.Errorf("a certificate was issued to host %q", host)
		}
	}
	_, err := a.Issue(key.Public(), jobs.Stranger, nil)
	wantError(t, err, `role "stranger"`)
	worker := enrol(t, a, jobs.Worker, "192.0.2.7")
	if c := worker.Leaf(); len(c.IPAddresses)+len(c.DNSNames) != 0 {
		t.Errorf("a worker's certificate names hosts: %v %v", c.IPAddresses, c.DNSNames)
	}
}

func TestNewRefusesWhatDoesNotBelongTogether(t *testing.T) {
	a := newAuthority(t)
	worker := enrol(t, a, jobs.Worker)
	_, err := New(newKey(t), worker.Leaf().Raw, a.Certificate())
	wantError(t, err, "the certificate is that of node "+string(worker.Node()))
	_, err = New(worker.Key, worker.Leaf().Raw, newAuthority(t).Certificate())
	wantError(t, err, "unknown authority")
	_, err = New(worker.Key, []byte("no certificate"), a.Certificate())
	wantError(t, err, "identity of node "+string(worker.Node()))
}

func TestLoadAuthority(t *testing.T) {
	a, b := newAuthority(t), newAuthority(t)
	pkcs8, err := a.MarshalKey()
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadAuthority(a.Certificate(), pkcs8)
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	der, err := loaded.Issue(key.Public(), jobs.Worker, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(key, der, a.Certificate()); err != nil {
		t.Errorf("the loaded authority's certificate: %v", err)
	}
	_, err = LoadAuthority(b.Certificate(), pkcs8)
	wantError(t, err, "the key is not that of grid "+b.Grid())
	_, err = LoadAuthority(a.Certificate(), pkcs8[:20])
	wantError(t, err, "load authority")
}
