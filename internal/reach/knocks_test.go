package reach

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// victim is a room that dials nobody, and notes whom it would have dialled.
type victim struct {
	*Room
	mu     sync.Mutex
	dialed map[string]int
}

func newVictim(t testing.TB) *victim {
	v := &victim{dialed: map[string]int{}}
	v.Room = New(Config{Address: "192.0.2.1:7000", Dial: func(_ context.Context, address string) (net.Conn, error) {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.dialed[address]++
		return nil, errors.New("nobody is there")
	}})
	v.Join(Session{
		Signal:       func(context.Context, jobs.NodeID, []byte) error { return nil },
		Coordinators: func() []string { return []string{"192.0.2.9:443"} },
		Host:         func() string { return "192.0.2.1" },
	})
	t.Cleanup(func() { v.Close() })
	return v
}

// call has it called by a node, and waits until it has done what it does then.
func (v *victim) call(t testing.TB, s Signal, c *anthillv1.PathCall, a *anthillv1.PathAnswer) {
	t.Helper()
	payload, err := proto.Marshal(&anthillv1.PathSignal{Call: c, Answer: a})
	if err != nil {
		t.Skip(err) // the text is none
	}
	s.Payload = payload
	v.Signalled(s)
	for range maxAnswers { // all that answer have ended when there is room for as many
		v.answers <- struct{}{}
	}
	for range maxAnswers {
		<-v.answers
	}
}

// strangers are the addresses that it has dialled but for those of coordinators.
func (v *victim) strangers() (list []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for address := range v.dialed {
		if address != "192.0.2.9:443" {
			list = append(list, address)
		}
	}
	slices.Sort(list)
	return list
}

// A node that calls again and again, each time from other doors, has five of them knocked
// at, though each might be its own; so has each of its friends, and what leads to it is
// free.
func TestNobodyHasMoreThanFiveDoorsKnockedAt(t *testing.T) {
	v := newVictim(t)
	for i := range 50 {
		v.call(t, Signal{From: "mallory", FromHost: "198.51.100.7"}, &anthillv1.PathCall{
			Nonce: make([]byte, nonceSize), Address: ":7000",
			Addresses: []string{fmt.Sprintf("198.51.100.7:%d", 1000+3*i), fmt.Sprintf("198.51.100.7:%d", 1001+3*i), fmt.Sprintf("127.0.0.%d:22", 1+i)},
		}, nil)
	}
	if list := v.strangers(); len(list) != maxKnocks {
		t.Errorf("%d doors were knocked at: %v", len(list), list)
	}
	v.call(t, Signal{From: "mallory", FromHost: "198.51.100.7", FromDialable: []string{"198.51.100.7:99"}}, &anthillv1.PathCall{
		Nonce: make([]byte, nonceSize), Address: ":7000", Addresses: []string{"198.51.100.7:99"},
	}, nil)
	if !slices.Contains(v.strangers(), "198.51.100.7:99") {
		t.Error("the door at which a coordinator has found it is not knocked at")
	}
}

func TestKnocksAreForgottenInTime(t *testing.T) {
	var k knocks
	now := time.Unix(1e9, 0)
	for i := range 2 * maxKnocks {
		if ok := k.begin("n", fmt.Sprint(i), now); ok != (i < maxKnocks) {
			t.Errorf("door %d: %v", i, ok)
		}
	}
	if !k.begin("n", "0", now) || k.begin("n", "9", now) {
		t.Error("a door that was knocked at before, or a new one")
	}
	k.found("n", "0")
	if !k.begin("n", "9", now) {
		t.Error("a door at which it was found counts")
	}
	if !k.begin("n", "10", now.Add(knockedFor)) {
		t.Error("they count for ever")
	}
	for i := range 2 * maxCallers {
		k.begin(jobs.NodeID(fmt.Sprint(i)), "a", now.Add(knockedFor))
	}
	if len(k.vain) > maxCallers {
		t.Errorf("%d callers are remembered", len(k.vain))
	}
}

// Whatever a node says, at most five doors are knocked at for it that did not ask for it,
// none of them in a network that is neither its own nor this machine's.
func FuzzWhatPeersSayOfAddresses(f *testing.F) {
	f.Add("198.51.100.7", "198.51.100.7:22", "10.0.0.1:80", "192.0.2.9:443", []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Add("", "[::1]:22", "localhost:22", "0.0.0.0:1", []byte{})
	f.Add("::ffff:198.51.100.7", "[::ffff:198.51.100.7]:22", "198.51.100.7:0", "198.51.100.7:99999", []byte("ports"))
	f.Add("fe80::1", "[fe80::1%eth0]:22", "224.0.0.1:5", "255.255.255.255:5", []byte("more"))
	f.Fuzz(func(t *testing.T, host, a, b, c string, ports []byte) {
		v := newVictim(t)
		from := Signal{From: "mallory", FromHost: host}
		v.call(t, from, &anthillv1.PathCall{Nonce: make([]byte, nonceSize), Address: ":7000", Addresses: []string{a, b, c}, Udp: []string{c, b, a}, Relays: []string{a, b, c}}, nil)
		for ; len(ports) >= 2; ports = ports[2:] {
			at := net.JoinHostPort(host, fmt.Sprint(binary.BigEndian.Uint16(ports)))
			v.call(t, from, &anthillv1.PathCall{Nonce: make([]byte, nonceSize), Address: ":7000", Addresses: []string{at, a}},
				&anthillv1.PathAnswer{Nonce: make([]byte, nonceSize), Udp: []string{at, b}})
		}
		list := v.strangers()
		if len(list) > maxKnocks {
			t.Errorf("%d doors: %v", len(list), list)
		}
		for _, address := range list {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				t.Errorf("a name is looked up: %q", address)
				continue
			}
			ip := at.Addr().Unmap()
			if from, err := netip.ParseAddr(host); isPublic(ip) && (err != nil || from.Unmap() != ip) {
				t.Errorf("a stranger: %v for one from %q", ip, host)
			}
		}
	})
}
