package identity

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

func successor(t *testing.T, a *Authority) *Authority {
	t.Helper()
	next, err := a.Successor()
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// trust gives a node authorities, and a certificate of each.
func trust(t *testing.T, id *Identity, list ...*Authority) {
	t.Helper()
	d := &Directory{Identity: id, Authorities: NewAuthorities(list...)}
	if err := id.Trust(union(id, list)); err != nil {
		t.Fatal(err)
	}
	if err := d.RenewSelf(""); err != nil {
		t.Fatal(err)
	}
	if err := id.Trust(d.Authorities.Certificates()); err != nil {
		t.Fatal(err)
	}
}

// union is what a node trusts on its way to others.
func union(id *Identity, list []*Authority) []*x509.Certificate {
	cas := slices.Clone(id.Authorities())
	for _, a := range list {
		if !slices.ContainsFunc(cas, a.Certificate().Equal) {
			cas = append(cas, a.Certificate())
		}
	}
	return cas
}

func TestASuccessorIsOfTheSameGrid(t *testing.T) {
	a := newAuthority(t)
	b := successor(t, a)
	c := successor(t, b)
	if b.Grid() != a.Grid() || c.Grid() != a.Grid() || b.Fingerprint() == a.Fingerprint() || b.private.Equal(a.private) {
		t.Errorf("grids %s, %s, %s", a.Grid(), b.Grid(), c.Grid())
	}
	if id := enrol(t, c, jobs.Worker); id.Grid != a.Grid() {
		t.Errorf("its nodes are of grid %s", id.Grid)
	}
}

// TestNodesMeetWhileAuthoritiesFollowEachOther, whatever each has heard of it: as long as
// there is an authority that both trust and of which both have a certificate.
func TestNodesMeetWhileAuthoritiesFollowEachOther(t *testing.T) {
	a := newAuthority(t)
	b := successor(t, a)
	at := map[string]func(role jobs.Role) *Identity{
		"before": func(role jobs.Role) *Identity { return enrol(t, a, role) },
		"between": func(role jobs.Role) *Identity {
			id := enrol(t, a, role)
			trust(t, id, a, b)
			return id
		},
		"told": func(role jobs.Role) *Identity { // and has no certificate yet
			id := enrol(t, a, role)
			if err := id.Trust([]*x509.Certificate{a.certificate, b.certificate}); err != nil {
				t.Fatal(err)
			}
			return id
		},
		"after": func(role jobs.Role) *Identity {
			id := enrol(t, a, role)
			trust(t, id, a, b)
			trust(t, id, b)
			return id
		},
	}
	apart := map[[2]string]bool{{"before", "after"}: true, {"told", "after"}: true, {"after", "before"}: true, {"after", "told"}: true}
	for x, client := range at {
		for y, server := range at {
			c, s := client(jobs.Worker), server(jobs.Coordinator)
			_, _, err := pipeTo(t, s, c)
			if apart[[2]string{x, y}] != (err != nil) {
				t.Errorf("%s calls %s: %v", x, y, err)
			}
		}
	}
}

// TestTheOldAuthorityIsWorthNothing to who trusts it no more: whatever its key signs, and
// whatever it is shown with. Connections that rest on it are closed.
func TestTheOldAuthorityIsWorthNothing(t *testing.T) {
	a := newAuthority(t)
	b := successor(t, a)
	victim := enrol(t, a, jobs.Worker)
	thief := enrol(t, a, jobs.Coordinator) // a removed coordinator signs for itself
	standing, _, err := pipeTo(t, victim, thief)
	if err != nil {
		t.Fatal(err)
	}
	friend := enrol(t, a, jobs.Coordinator)
	trust(t, friend, a, b)
	trust(t, victim, a, b)
	kept, _, err := pipeTo(t, victim, friend)
	if err != nil {
		t.Fatal(err)
	}
	trust(t, victim, b)
	if !isClosed(standing) {
		t.Error("its connection stands")
	}
	_ = kept.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if _, err := kept.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a friend's connection: %v", err)
	}

	volunteer := enrol(t, b, jobs.Worker)
	der, err := a.Issue(volunteer.Key.Public(), jobs.Coordinator, nil)
	if err != nil {
		t.Fatal(err)
	}
	posh, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	both := func(leaves ...*x509.Certificate) *Identity {
		id := &Identity{Key: volunteer.Key, Grid: a.Grid(), Role: jobs.Coordinator}
		id.now.Store(&papers{[]*x509.Certificate{a.certificate, b.certificate}, leaves})
		return id
	}
	other := enrol(t, b, jobs.Coordinator)
	for name, liar := range map[string]*Identity{
		"a certificate of the old authority":                       thief,
		"a good certificate behind one that says more":             both(posh, volunteer.Leaf()),
		"a good certificate before one that says more":             both(volunteer.Leaf(), posh),
		"somebody else's good certificate behind one's own":        both(posh, other.Leaf()),
		"a good certificate behind one of its own making":          both(mustSelfSign(t, volunteer.Key), volunteer.Leaf()),
		"a certificate by an authority that names the same grid":   enrol(t, successor(t, a), jobs.Coordinator),
		"a certificate by an authority that the old one certified": byCertified(t, a),
	} {
		if _, _, err := pipeTo(t, victim, liar); err == nil {
			t.Errorf("it is served: %s", name)
		}
		if _, _, err := pipeTo(t, liar, victim); err == nil {
			t.Errorf("it is called: %s", name)
		}
	}
	if !victim.Granted("n", [32]byte{1}, b.Grant("n", [32]byte{1}, time.Now().Add(time.Hour))) || victim.Granted("n", [32]byte{1}, a.Grant("n", [32]byte{1}, time.Now().Add(time.Hour))) {
		t.Error("grants of the old authority are taken, or those of the new are not")
	}
	many := both(slices.Repeat([]*x509.Certificate{volunteer.Leaf()}, maxShown)...)
	if _, _, err := pipeTo(t, victim, many); err == nil {
		t.Error("as many certificates as somebody likes are looked at")
	}
}

// byCertified is a node of an authority whose certificate the old authority made.
func byCertified(t *testing.T, a *Authority) *Identity {
	t.Helper()
	next := successor(t, a)
	cert, err := sign(next.certificate, a.certificate, next.certificate.PublicKey.(ed25519.PublicKey), a.private)
	if err != nil {
		t.Fatal(err)
	}
	return enrol(t, &Authority{next.private, cert}, jobs.Coordinator)
}

// TestAnyOrderOfChangesKeepsANodeUsable on disk too: what is loaded trusts and shows what
// was saved last. Where a crash left some of the files of the save before, it is usable and
// trusts one or the other.
func TestAnyOrderOfChangesKeepsANodeUsable(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		list := []*Authority{newAuthority(t)}
		d := &Directory{Identity: enrol(t, list[0], jobs.Coordinator), Authorities: NewAuthorities(list...)}
		dir := t.TempDir()
		save(t, d, dir)
		keep := func() {
			t.Helper()
			torn, old, err := t.TempDir(), "", error(nil)
			copyFiles(t, dir, torn)
			before, err := Load(torn)
			if err != nil {
				t.Fatal(err)
			}
			save(t, d, dir)
			for _, name := range []string{caKeyFile, caFile, certFile}[:rng.IntN(4)] { // replaced so far
				copyFile(t, filepath.Join(dir, name), filepath.Join(torn, name))
				old += name
			}
			half, err := Load(torn)
			if err != nil {
				t.Fatalf("after %q: %v", old, err)
			}
			trusts := fmt.Sprint(half.Identity.Fingerprints())
			if trusts != fmt.Sprint(before.Identity.Fingerprints()) && trusts != fmt.Sprint(d.Identity.Fingerprints()) {
				t.Errorf("after %q it trusts neither those of before nor the new ones", old)
			}
			got, err := Load(dir)
			if err != nil || fmt.Sprint(got.Identity.Fingerprints()) != fmt.Sprint(d.Identity.Fingerprints()) || len(got.Authorities.All()) != len(list) || got.Identity.Due(time.Now()) != d.Identity.Due(time.Now()) {
				t.Fatalf("loaded is another than was saved: %v", err)
			}
		}
		for range 6 {
			switch {
			case len(list) == 1: // begin
				list = append(list, successor(t, list[0]))
			case rng.IntN(2) == 0: // finish
				list = list[1:]
			default: // undo
				list = list[:1]
			}
			d.Authorities.Set(list...)
			if err := d.Identity.Trust(d.Authorities.Certificates()); err != nil {
				t.Fatal(err)
			}
			keep()
			if err := d.RenewSelf(""); err != nil {
				t.Fatal(err)
			}
			keep()
		}
		if d.Identity.Due(time.Now()) {
			t.Error("a certificate is missing")
		}
	}
}

func TestTrustIsOfOneGrid(t *testing.T) {
	a := newAuthority(t)
	id := enrol(t, a, jobs.Worker)
	b := successor(t, a)
	for name, cas := range map[string][]*x509.Certificate{
		"none":                  nil,
		"of another grid":       {a.certificate, newAuthority(t).certificate},
		"three":                 {a.certificate, b.certificate, successor(t, a).certificate},
		"without one's own":     {b.certificate},
		"that are no authority": {a.certificate, id.Leaf()},
	} {
		if err := id.Trust(cas); err == nil {
			t.Errorf("authorities are trusted: %s", name)
		}
	}
	if len(id.Authorities()) != 1 || !id.Trusts(a.Fingerprint()) {
		t.Error("what is refused changes something")
	}
	if id.Due(time.Now()) {
		t.Error("it is due")
	}
	if err := id.Trust([]*x509.Certificate{a.certificate, b.certificate}); err != nil || !id.Due(time.Now()) || id.Expired(time.Now()) {
		t.Errorf("it has no certificate of the new authority: %v", err)
	}
}

// TestOlderVersionsTakeTheFirstAndTheLast of what a coordinator shows, which is of the old
// authority until the end.
func TestOlderVersionsTakeTheFirstAndTheLast(t *testing.T) {
	a := newAuthority(t)
	id := enrol(t, a, jobs.Coordinator)
	trust(t, id, a, successor(t, a))
	shown := id.shown().Certificate
	if len(shown) != 4 || !slices.Equal(shown[3], a.certificate.Raw) {
		t.Fatal("the last is not the old authority")
	}
	first, err := x509.ParseCertificate(shown[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(first, a.certificate); err != nil {
		t.Errorf("the first: %v", err)
	}
}

func save(t *testing.T, d *Directory, dir string) {
	t.Helper()
	if err := d.Save(dir); err != nil {
		t.Fatal(err)
	}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	for _, name := range []string{keyFile, caKeyFile, caFile, certFile, gridFile} {
		copyFile(t, filepath.Join(from, name), filepath.Join(to, name))
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}
