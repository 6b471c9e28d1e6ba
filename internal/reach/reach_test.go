package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// network is what addresses do: answer after a time, fail after a time, or neither.
type network struct {
	answers map[string]time.Duration
	fails   map[string]time.Duration

	mu    sync.Mutex
	tried []string
}

func (n *network) try(ctx context.Context, address string) (string, error) {
	n.mu.Lock()
	n.tried = append(n.tried, address)
	n.mu.Unlock()
	after, err := n.answers[address], error(nil)
	if wait, ok := n.fails[address]; ok {
		after, err = wait, fmt.Errorf("%s: refused", address)
	} else if _, ok := n.answers[address]; !ok {
		after = time.Hour
	}
	select {
	case <-time.After(after):
		return address, err
	case <-ctx.Done():
		return "", fmt.Errorf("%s: %w", address, ctx.Err())
	}
}

// order is in which order addresses were tried.
func (n *network) order() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return strings.Join(n.tried, " ")
}

func TestFirst(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		network *network
		want    string
		took    time.Duration
		tried   string
	}{
		"the first":                  {&network{answers: map[string]time.Duration{"a": 100 * ms, "b": 0}}, "a", 100 * ms, "a"},
		"the first is dead":          {&network{answers: map[string]time.Duration{"b": 10 * ms}}, "b", 260 * ms, "a b"},
		"the first refuses":          {&network{answers: map[string]time.Duration{"b": 10 * ms}, fails: map[string]time.Duration{"a": 5 * ms}}, "b", 15 * ms, "a b"},
		"two are dead":               {&network{answers: map[string]time.Duration{"c": 0}}, "c", 500 * ms, "a b c"},
		"one is dead, one refuses":   {&network{answers: map[string]time.Duration{"c": 0}, fails: map[string]time.Duration{"b": 0}}, "c", 250 * ms, "a b c"},
		"the first is slow":          {&network{answers: map[string]time.Duration{"a": 300 * ms, "b": 400 * ms}}, "a", 300 * ms, "a b"},
		"the second overtakes it":    {&network{answers: map[string]time.Duration{"a": 900 * ms, "b": 100 * ms}}, "b", 350 * ms, "a b"},
		"a refusal while one is out": {&network{answers: map[string]time.Duration{"b": time.Second}, fails: map[string]time.Duration{"a": 300 * ms}}, "b", 1250 * ms, "a b c"},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			var dropped atomic.Int32
			got, errs := First(t.Context(), []string{"a", "b", "c"}, c.network.try, func(string) { dropped.Add(1) })
			if took := time.Since(began); got != c.want || errs != nil || took != c.took {
				t.Errorf("%s: %q, %v after %v, want %q after %v", name, got, errs, took, c.want, c.took)
			}
			if tried := c.network.order(); tried != c.tried {
				t.Errorf("%s: tried %s, want %s", name, tried, c.tried)
			}
			synctest.Wait()
			if n := dropped.Load(); n != 0 {
				t.Errorf("%s: %d more were reached, although the context had ended", name, n)
			}
		})
	}
}

func TestFirstNamesEachThatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := network{fails: map[string]time.Duration{"a": 2 * time.Second, "c": 0}}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, errs := First(ctx, []string{"a", "b", "c"}, n.try, func(string) {})
		if text := failures(errs).Error(); text != "a: refused; b: context deadline exceeded; c: refused" || !errors.Is(failures(errs), context.DeadlineExceeded) {
			t.Errorf("got %q", text)
		}
	})
}

// What answers in the same moment as another is not kept.
func TestFirstDropsTheLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reached := func(context.Context, string) (string, error) {
			time.Sleep(time.Second) // whatever becomes of the context
			return "", nil
		}
		var dropped atomic.Int32
		if _, errs := First(t.Context(), []string{"a", "b", "c"}, reached, func(string) { dropped.Add(1) }); errs != nil {
			t.Error(errs)
		}
		time.Sleep(time.Hour)
		if n := dropped.Load(); n != 2 {
			t.Errorf("%d were dropped, want 2", n)
		}
	})
}

func TestAlternate(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.1":                                     "192.0.2.1",
		"192.0.2.1 192.0.2.2 2001:db8::1":               "192.0.2.1 2001:db8::1 192.0.2.2",
		"2001:db8::1 2001:db8::2 2001:db8::3 192.0.2.1": "2001:db8::1 192.0.2.1 2001:db8::2 2001:db8::3",
		"::ffff:192.0.2.1 192.0.2.2 2001:db8::1":        "::ffff:192.0.2.1 2001:db8::1 192.0.2.2",
	} {
		var ips []netip.Addr
		for _, text := range strings.Fields(in) {
			ips = append(ips, netip.MustParseAddr(text))
		}
		var got []string
		for _, ip := range alternate(ips) {
			got = append(got, ip.String())
		}
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%s: %v, want %s", in, got, want)
		}
	}
}

func TestDial(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", ""} {
		conn, err := Dial(t.Context(), net.JoinHostPort(host, port))
		if err != nil {
			t.Errorf("%q: %v", host, err)
			continue
		}
		conn.Close()
	}
	l.Close()
	if _, err := Dial(t.Context(), net.JoinHostPort("127.0.0.1", port)); err == nil || !strings.Contains(err.Error(), "127.0.0.1:"+port) {
		t.Errorf("nobody there: %v", err)
	}
	if _, err := Dial(t.Context(), "localhost"); err == nil {
		t.Error("no port: no error")
	}
}

// TestDialByAName has a host with two addresses, at the second of which somebody listens.
func TestDialByAName(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	find := func(_ context.Context, network, host string) ([]netip.Addr, error) {
		if network != "ip" || host != "grid.test" {
			return nil, fmt.Errorf("lookup %s: no such host", host)
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")}, nil
	}
	conn, err := dialVia(t.Context(), find, "grid.test:"+port)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	l.Close()
	_, err = dialVia(t.Context(), find, "grid.test:"+port)
	for _, address := range []string{"127.0.0.1:" + port, "127.0.0.2:" + port} {
		if err == nil || !strings.Contains(err.Error(), address) {
			t.Errorf("nobody there: %v, want it to name %s", err, address)
		}
	}
	if _, err := dialVia(t.Context(), find, "nosuch.test:1"); err == nil || !strings.Contains(err.Error(), "nosuch.test") {
		t.Errorf("no such name: %v", err)
	}
}
