package identity

import (
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// TestCertificatesFromTheFuture are those that a machine sees whose clock is behind.
func TestCertificatesFromTheFuture(t *testing.T) {
	a, key := newAuthority(t), newKey(t)
	id := forge(t, a, key, func(c *x509.Certificate) {
		c.NotBefore, c.NotAfter = time.Now().Add(25*time.Hour), time.Now().Add(1000*time.Hour)
	})
	if peer, err := verify(id.Leaf(), a.Certificate()); err != nil || peer.Node != key.Node() {
		t.Errorf("%v, %v", peer, err)
	}
	made, err := New(key, id.Leaf().Raw, a.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	if behind := made.Behind().Round(time.Minute); behind != 25*time.Hour+clockSkew {
		t.Errorf("the clock is behind by %v", behind)
	}
	if behind := enrol(t, a, jobs.Worker).Behind(); behind > time.Minute {
		t.Errorf("a new node's clock is behind by %v", behind)
	}
}

// TestACertificateThatHasEnded may be one that a machine sees whose clock is ahead.
func TestACertificateThatHasEnded(t *testing.T) {
	a, key := newAuthority(t), newKey(t)
	end := time.Now().Add(-time.Hour)
	id := forge(t, a, key, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = end.Add(-time.Hour), end })
	_, err := verify(id.Leaf(), a.Certificate())
	if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), "it ended at "+clock(end)+", and this machine's clock says "+clock(time.Now())[:13]) ||
		!strings.Contains(problem.Next(err), "set this machine's clock") {
		t.Errorf("%v, next %q", err, problem.Next(err))
	}
	if own, err := New(key, id.Leaf().Raw, a.Certificate()); err != nil || !own.Expired(time.Now()) || !own.Due(time.Now()) {
		t.Errorf("one's own is loaded, to be renewed: %v", err)
	}
}

func TestIssueAtAnotherTime(t *testing.T) {
	a, key := newAuthority(t), newKey(t)
	now := time.Now().Add(30 * 24 * time.Hour).Truncate(time.Second)
	der, err := a.IssueAt(now, key.Public(), jobs.Worker, nil)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil || !cert.NotBefore.Equal(now.Add(-clockSkew)) || !cert.NotAfter.Equal(now.Add(jobs.CertificateLife)) {
		t.Errorf("from %v to %v, %v", cert.NotBefore, cert.NotAfter, err)
	}
}
