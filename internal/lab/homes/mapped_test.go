//go:build linux

package homes

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/doctor"
)

// A real router's daemon opens a port for those who ask, by the protocols that it has: a
// worker is reached there though its router takes another port for each destination, and
// leaves nothing behind. What the router says of its own address is wrong here.
func testMapped(t *testing.T, g *Grid) {
	var all sync.WaitGroup
	defer all.Wait()
	for _, protocol := range []string{PCP, UPnP} {
		m := g.machine(t, "m"+strings.ToLower(protocol), Symmetric)
		end, err := m.OpenPorts(t.Context(), g.Dir, protocol)
		if errors.Is(err, ErrCannot) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := end(); err != nil {
				t.Error(err)
			}
		})
		if err := g.Worker(t.Context(), m, "owner-"+m.Name, "--listen", ":7000"); err != nil {
			t.Fatal(err)
		}
		if err := g.Submitter(t.Context(), m, "sue"); err != nil {
			t.Fatal(err)
		}
		all.Go(func() { g.diagnosed(t, m, protocol) })
		all.Go(func() { g.isMapped(t, m) })
	}
	quiet := g.machine(t, "quiet", Symmetric)
	end, err := quiet.OpenPorts(t.Context(), g.Dir, PCP)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = end() })
	if err := g.Worker(t.Context(), quiet, "owner-quiet", "--listen", ":7000", "--no-port-mapping"); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	s, err := g.Status(t.Context(), quiet)
	rules, err2 := quiet.Forwarded(t.Context())
	if err := errors.Join(err, err2); err != nil || rules != "" || !strings.HasPrefix(s.Path, "behind a router: relayed") {
		t.Errorf("without port mapping: %v, %q, rules %q", err, s.Path, rules)
	}
}

// diagnosed wants the doctor to know that the router opens ports.
func (g *Grid) diagnosed(t *testing.T, m *Machine, protocol string) {
	out, err := g.Run(t.Context(), m, "", "doctor", "-o", "json", "--listen", ":7001")
	var r doctor.Report
	if err == nil {
		err = json.Unmarshal([]byte(out), &r)
	}
	if p := r.PortMapping; err != nil || p == nil || !p.Leads || p.By != protocol || p.Port != "1.2.3.4:7001" || !strings.HasPrefix(r.Path, "mapped") {
		t.Errorf("%s: the doctor: %v: %s", protocol, err, out)
	}
}

// isMapped wants a worker to be known at its router's port, until it ends.
func (g *Grid) isMapped(t *testing.T, m *Machine) {
	const mapped = "mapped: the router has opened a port"
	var path, seen string
	for end := time.Now().Add(40 * time.Second); path != mapped || seen == ""; time.Sleep(200 * time.Millisecond) {
		s, err := g.Status(t.Context(), m)
		if err != nil {
			t.Error(err)
			return
		}
		path, seen = s.Path, ""
		nodes, err := g.Nodes(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		for _, n := range nodes {
			if n.GetId() == s.Node && n.GetWhereabouts().GetMapped() {
				seen = strings.Join(n.GetWhereabouts().GetDialable(), " ")
			}
		}
		if time.Now().After(end) {
			t.Errorf("%s: path %q, dialable at %q\n%s", m.Name, path, seen, g.Log(m.Name))
			return
		}
	}
	if want := m.Public + ":7000"; seen != want {
		t.Errorf("%s: dialable at %s, want %s", m.Name, seen, want)
	}
	if rules, err := m.Forwarded(t.Context()); err != nil || !strings.Contains(rules, "7000") {
		t.Errorf("%s: no rule: %q, %v", m.Name, rules, err)
	}
	g.Stop(m)
	if rules, err := m.Forwarded(t.Context()); err != nil || strings.Contains(rules, "7000") {
		t.Errorf("%s: left behind: %q, %v", m.Name, rules, err)
	}
}
