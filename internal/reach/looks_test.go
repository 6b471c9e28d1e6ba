package reach

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// looker looks on virtual time, at addresses of which some lead to the node.
type looker struct {
	Looks
	mu     sync.Mutex
	leads  map[string]bool
	dialed map[string]int
}

func newLooker(names map[string][]netip.Addr) *looker {
	l := &looker{leads: map[string]bool{}, dialed: map[string]int{}}
	at := time.Unix(1e9, 0)
	l.now = func() time.Time { return at }
	l.find = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if ip, err := netip.ParseAddr(host); err == nil {
			return []netip.Addr{ip}, nil
		}
		if list, ok := names[host]; ok {
			return list, nil
		}
		return nil, errors.New("no such host")
	}
	l.Prove = func(_ context.Context, _ jobs.NodeID, address string) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.dialed[address]++
		if !l.leads[address] {
			return errors.New("somebody else")
		}
		return nil
	}
	return l
}

func (l *looker) pass(d time.Duration) {
	at := l.now().Add(d)
	l.now = func() time.Time { return at }
}

func TestLooks(t *testing.T) {
	home := netip.MustParseAddr("203.0.113.7")
	l := newLooker(map[string][]netip.Addr{
		"mine.example": {netip.MustParseAddr("198.51.100.1"), home},
		"lan.example":  {netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("127.0.0.1")},
	})
	for _, a := range []string{"203.0.113.7:7000", "198.51.100.9:443"} {
		l.leads[a] = true
	}
	claim := Claim{
		Node: "n", Owner: "o", Host: "203.0.113.7", Address: "192.168.1.5:7000",
		Advertised: []string{"198.51.100.9:443", "mine.example:7000", "lan.example:22", "169.254.169.254:80", "[::1]:22"},
	}
	looks := l.At(t.Context(), claim)
	var answered []string
	for _, x := range looks {
		answered = append(answered, x.Answered)
	}
	if want := []string{"203.0.113.7:7000", "198.51.100.9:443", "203.0.113.7:7000", "", "", ""}; !slices.Equal(answered, want) {
		t.Errorf("answered at %q, want %q: %+v", answered, want, looks)
	}
	if want := []string{"198.51.100.1:7000", "198.51.100.9:443", "203.0.113.7:7000"}; !slices.Equal(slices.Sorted(maps.Keys(l.dialed)), want) {
		t.Errorf("dialled %v, want %q", l.dialed, want)
	}
	if strings.Contains(fmt.Sprint(looks), "somebody else") {
		t.Errorf("it is told what is at a place of others: %+v", looks)
	}
}

// Nobody has more than a few addresses dialled that are not its own, with however many
// nodes; an hour later there are as many again. What leads there does not count.
func TestLooksAreFew(t *testing.T) {
	l := newLooker(nil)
	for i := range 200 {
		own := fmt.Sprintf("198.51.100.%d:1", i)
		l.leads[own] = true
		if looks := l.At(t.Context(), Claim{Node: jobs.NodeID(fmt.Sprint("n", i)), Owner: "o", Advertised: []string{own}}); looks[0].Answered != own {
			t.Fatalf("its own address %d: %+v", i, looks)
		}
	}
	for i := range 200 {
		l.At(t.Context(), Claim{Node: jobs.NodeID(fmt.Sprint("n", i)), Owner: "o", Advertised: []string{fmt.Sprintf("192.0.2.%d:1", i)}})
		l.pass(time.Second)
	}
	if n := l.strangers(); n != maxUnproven {
		t.Errorf("%d addresses of others were dialled, want %d", n, maxUnproven)
	}
	l.pass(unprovenFor)
	l.At(t.Context(), Claim{Node: "n", Owner: "o", Advertised: []string{"192.0.2.250:1"}})
	if n := l.strangers(); n != maxUnproven+1 {
		t.Errorf("an hour later %d were, want one more", n)
	}
	if l.At(t.Context(), Claim{Node: "n", Owner: "o", Advertised: []string{"192.0.2.250:1"}}); l.dialed["192.0.2.250:1"] != 1 {
		t.Error("it was dialled again at once")
	}
}

func (l *looker) strangers() (n int) {
	for a := range l.dialed {
		if !l.leads[a] {
			n++
		}
	}
	return n
}

// FuzzLooks: whatever nodes of an owner say, no more than five addresses are dialled that
// are neither theirs nor of the host from which they come, and none that is no business of
// who comes from there.
func FuzzLooks(f *testing.F) {
	f.Add("203.0.113.7", "198.51.100.1:1 198.51.100.2:1 198.51.100.3:1|198.51.100.4:1 198.51.100.5:1 198.51.100.6:1|[2001:db8::1]:9 10.0.0.1:22")
	f.Add("127.0.0.1", "127.0.0.2:22 10.0.0.1:22 0.0.0.0:1 [::]:5|[fe80::1%eth0]:22 224.0.0.1:5 255.255.255.255:7")
	f.Add("", "[::ffff:127.0.0.1]:22 localhost:22 :22 a|1.2.3.4:0 1.2.3.4:99999")
	f.Fuzz(func(t *testing.T, host, said string) {
		l := newLooker(nil)
		for i, list := range strings.Split(said, "|") {
			l.At(t.Context(), Claim{Node: jobs.NodeID(fmt.Sprint(i)), Owner: "o", Host: host, Address: ":7000", Advertised: strings.Fields(list)})
			l.pass(time.Second)
		}
		var others int
		from, _ := netip.ParseAddr(host)
		for a := range l.dialed {
			at, err := netip.ParseAddrPort(a)
			if err != nil {
				t.Fatalf("%q was dialled", a)
			}
			ip := at.Addr().Unmap()
			if ip == from.Unmap() {
				continue
			}
			others++
			if (ip.IsPrivate() && isPublic(from.Unmap())) || (ip.IsLoopback() && !from.IsLoopback()) || ip.IsLinkLocalUnicast() || ip.IsMulticast() || ip.IsUnspecified() {
				t.Errorf("%s was dialled for one that comes from %s", a, host)
			}
		}
		if others > maxUnproven {
			t.Errorf("%d addresses of others were dialled: %v", others, l.dialed)
		}
	})
}

func TestCheckAdvertised(t *testing.T) {
	good := []string{"203.0.113.7:7000", "[2001:db8::1]:443", "name.example:1"}
	if err := CheckAdvertised(good); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"", "203.0.113.7", ":7000", "a:0", "a:70000", "a:http", strings.Repeat("a", 300) + ":1"} {
		if CheckAdvertised([]string{bad}) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if CheckAdvertised(slices.Repeat(good, 2)) == nil {
		t.Error("six were taken")
	}
}

// A room dials a node, and is not content with another.
func TestProve(t *testing.T) {
	l := newLAN(t)
	c, w, other := l.add(jobs.Coordinator, false), l.add(jobs.Worker, false), l.add(jobs.Worker, false)
	if err := c.room.Prove(t.Context(), w.id.Node(), w.address); err != nil {
		t.Error(err)
	}
	if c.room.Prove(t.Context(), w.id.Node(), other.address) == nil {
		t.Error("another node passes for it")
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	if c.room.Prove(t.Context(), w.id.Node(), closed.Addr().String()) == nil {
		t.Error("nobody passes for it")
	}
}
