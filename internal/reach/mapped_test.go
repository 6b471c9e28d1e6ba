package reach

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// gateway is a scripted router, and the coordinator that looks at its outside.
type gateway struct {
	mu      sync.Mutex
	refuses bool // to open ports
	forgot  bool // the one that it has opened
	vain    bool // nothing comes in through its ports
	outer   netip.AddrPort
	open    int // ports that it keeps open
	opened  int
	renewed int
	asked   [][]string // the addresses of each look
}

func (g *gateway) Map(_ context.Context, listens netip.AddrPort) (RouterPort, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opened++; g.refuses {
		return nil, errors.New("not allowed")
	}
	g.open++
	g.forgot = false
	return &gatewayPort{g}, nil
}

type gatewayPort struct{ *gateway }

func (p *gatewayPort) External() netip.AddrPort { return p.outer }
func (p *gatewayPort) Life() time.Duration      { return time.Hour }
func (p *gatewayPort) By() string               { return "script" }

func (p *gatewayPort) Renew(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.renewed++; p.refuses {
		return errors.New("not allowed")
	}
	p.forgot = false
	return nil
}

func (p *gatewayPort) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	return nil
}

// look is a coordinator's, which sees the router at 203.0.113.7.
func (g *gateway) look(_ context.Context, q LookBack) (looks []Look, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, q.Advertised)
	for _, address := range append([]string{"203.0.113.7:7000"}, q.Advertised...) {
		l := Look{Address: address, Why: "no answer"}
		if at := netip.MustParseAddrPort(address); g.open > 0 && !g.forgot && !g.vain && at.Port() == g.outer.Port() && at.Addr() == netip.MustParseAddr("203.0.113.7") {
			l = Look{Address: address, Answered: address}
		}
		looks = append(looks, l)
	}
	return looks, nil
}

// behind is a room in a home with such a router.
func behind(t *testing.T, g *gateway) *Room {
	r := New(Config{Address: "192.168.1.5:7000", Map: g.Map, Listens: netip.MustParseAddrPort("192.168.1.5:7000")})
	t.Cleanup(func() { r.Close() })
	r.Join(Session{Host: func() string { return "203.0.113.7" }, LookBack: g.look})
	return r
}

func TestAPortIsOpenedKeptAndGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The router says that it is at an address at which nobody is.
		g := &gateway{outer: netip.MustParseAddrPort("198.51.100.1:4711")}
		r := behind(t, g)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		s := r.Standing()
		if !s.Mapped || !slices.Equal(s.Dialable, []string{"203.0.113.7:4711"}) || s.String() != "mapped: the router has opened a port" {
			t.Errorf("after 20 s: %+v: %v", s, s)
		}
		if !slices.Contains(r.addresses(), "203.0.113.7:4711") || slices.Contains(r.addresses(), g.outer.String()) {
			t.Errorf("others are told %v", r.addresses())
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if g.opened != 1 || g.renewed != 4 {
			t.Errorf("in two hours it was opened %d times and renewed %d times, want 1 and 4", g.opened, g.renewed)
		}
		if r.Close(); g.open != 0 {
			t.Errorf("%d ports are open in the end", g.open)
		}
	})
}

func TestARouterThatForgetsIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{outer: netip.MustParseAddrPort("203.0.113.7:7000")}
		r := behind(t, g)
		time.Sleep(20 * time.Second)
		synctest.Wait()
		g.mu.Lock()
		g.forgot = true
		g.mu.Unlock()
		time.Sleep(standingEvery + 10*time.Second)
		synctest.Wait()
		if s := r.Standing(); !s.Mapped || g.renewed != 1 {
			t.Errorf("%+v after %d renewals", s, g.renewed)
		}
	})
}

func TestAPortThatLeadsNowhereIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{outer: netip.MustParseAddrPort("10.0.0.7:7000"), vain: true} // another router's network
		r := behind(t, g)
		time.Sleep(50 * time.Minute)
		synctest.Wait()
		if s := r.Standing(); g.opened != 1 || g.open != 0 || len(s.Dialable) > 0 {
			t.Errorf("opened %d times, %d are open, %+v", g.opened, g.open, s)
		}
		for _, asked := range g.asked {
			if slices.Contains(asked, "10.0.0.7:7000") {
				t.Fatal("a coordinator is asked to dial into its own network")
			}
		}
	})
}

func TestARouterThatRefusesIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{refuses: true}
		behind(t, g)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if g.opened < 10 || g.opened > 30 {
			t.Errorf("asked %d times in a day", g.opened)
		}
	})
}

func TestWhoCanBeDialledAsksNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gateway{open: 1, outer: netip.MustParseAddrPort("203.0.113.7:7000")} // opened by hand
		r := behind(t, g)
		time.Sleep(time.Hour)
		synctest.Wait()
		if s := r.Standing(); g.opened != 0 || s.Mapped || s.String() != "direct" {
			t.Errorf("asked %d times, %+v", g.opened, s)
		}
	})
}

// What a relay is called in the standing is the one that was used, and does not change
// with each connection.
func TestTheRelayIsNamed(t *testing.T) {
	now := time.Unix(1e9, 0)
	var r relays
	for i, c := range []struct {
		name string
		pass time.Duration
		news bool
		want string
	}{
		{"c1:443", 0, true, "c1:443"},
		{"c2:443", time.Second, false, "c1:443"},
		{"c1:443", standingEvery, false, "c1:443"},
		{"c2:443", time.Second, false, "c1:443"},
		{"c2:443", standingEvery, true, "c2:443"},
	} {
		now = now.Add(c.pass)
		if news := r.used(c.name, now); news != c.news || r.latest() != c.want {
			t.Errorf("%d: news %v, called %s, want %v and %s", i, news, r.latest(), c.news, c.want)
		}
	}
	s := Standing{Looked: true, Mapping: Different, Port: "7000", Relay: "c2:443"}
	if want := "behind a router: relayed through c2:443; opening TCP port 7000 to this machine would make it direct"; s.String() != want {
		t.Errorf("got %q", s)
	}
}

// Each family of addresses counts by itself.
func TestMappingOf(t *testing.T) {
	for name, c := range map[string]struct {
		seen []string
		kind Mapping
		same []string
	}{
		"nobody answers":     {nil, NoUDP, nil},
		"one":                {[]string{"203.0.113.7:1"}, Same, []string{"203.0.113.7:1"}},
		"another port":       {[]string{"203.0.113.7:1", "203.0.113.7:2"}, Different, nil},
		"both families":      {[]string{"203.0.113.7:1", "[2001:db8::1]:2", "203.0.113.7:1"}, Same, []string{"203.0.113.7:1", "[2001:db8::1]:2"}},
		"IPv4 is no good":    {[]string{"203.0.113.7:1", "[2001:db8::1]:2", "203.0.113.7:3"}, Same, []string{"[2001:db8::1]:2"}},
		"IPv6 is no good":    {[]string{"[2001:db8::1]:2", "203.0.113.7:1", "[2001:db8::1]:3"}, Same, []string{"203.0.113.7:1"}},
		"neither is":         {[]string{"[2001:db8::1]:2", "203.0.113.7:1", "[2001:db8::1]:3", "203.0.113.7:2"}, Different, nil},
		"IPv6 is as it were": {[]string{"[2001:db8::1]:2", "[2001:db8::1]:2"}, Same, []string{"[2001:db8::1]:2"}},
	} {
		var seen []netip.AddrPort
		for _, at := range c.seen {
			seen = append(seen, netip.MustParseAddrPort(at))
		}
		kind, at := mappingOf(seen)
		var same []string
		for _, at := range at {
			same = append(same, at.String())
		}
		if kind != c.kind || !slices.Equal(same, c.same) {
			t.Errorf("%s: %v %v, want %v %v", name, kind, same, c.kind, c.same)
		}
	}
}

func TestOtherFamily(t *testing.T) {
	own := []netip.Addr{
		netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.168.1.5"), netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fd00::1"),
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8::3"),
	}
	for _, c := range []struct{ listens, known, want string }{
		{"[::]:7000", "198.51.100.1", "[2001:db8::1]:7000 [2001:db8::2]:7000"},
		{"[::]:7000", "2001:db8::1", "203.0.113.7:7000"},
		{"0.0.0.0:7000", "198.51.100.1", ""},
	} {
		got := otherFamily(own, netip.MustParseAddrPort(c.listens), netip.MustParseAddr(c.known))
		if strings.Join(got, " ") != c.want {
			t.Errorf("at %s, seen at %s: %v, want %s", c.listens, c.known, got, c.want)
		}
	}
}
