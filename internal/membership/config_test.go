package membership

import (
	"log/slog"
	"strings"
	"sync"
	"testing"
)

func TestAddresses(t *testing.T) {
	for _, test := range []struct {
		bind, advertise, address string
		wantBind, wantAdvertise  string
	}{
		{"127.0.0.1:5", "", "h:1", "127.0.0.1", ""},
		{"localhost:5", "", "", "127.0.0.1", ""},
		{":5", "", "192.0.2.7:1", "0.0.0.0", "192.0.2.7"},
		{"0.0.0.0:5", "", "192.0.2.7:1", "0.0.0.0", "192.0.2.7"},
		{"[::]:5", "", "[2001:db8::1]:1", "::", "2001:db8::1"},
		{"0.0.0.0:5", "", "0.0.0.0:1", "0.0.0.0", ""},
		{"0.0.0.0:5", "", "", "0.0.0.0", ""},
		{"0.0.0.0:5", "192.0.2.9", "192.0.2.7:1", "0.0.0.0", "192.0.2.9"},
		{"10.0.0.1:5", "192.0.2.9", "", "10.0.0.1", "192.0.2.9"},
	} {
		cfg := sampleConfig(0)
		cfg.Bind, cfg.Advertise, cfg.Address = test.bind, test.advertise, test.address
		conf, err := serfConfig(cfg)
		if err != nil {
			t.Errorf("%+v: %v", test, err)
			continue
		}
		list := conf.MemberlistConfig
		if list.BindAddr != test.wantBind || list.AdvertiseAddr != test.wantAdvertise || list.BindPort != 5 || list.AdvertisePort != 5 {
			t.Errorf("%+v: binds %s:%d, advertises %s:%d", test, list.BindAddr, list.BindPort, list.AdvertiseAddr, list.AdvertisePort)
		}
	}
}

func TestConfigRefusals(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"no node id":                func(c *Config) { c.Node = "" },
		"key has 16 bytes: want 32": func(c *Config) { c.Key = make([]byte, 16) },
		"key has 0 bytes":           func(c *Config) { c.Key = nil },
		"missing port":              func(c *Config) { c.Bind = "127.0.0.1" },
		`port "70000"`:              func(c *Config) { c.Bind = "127.0.0.1:70000" },
		`host "no such host"`:       func(c *Config) { c.Bind = "no such host:1" },
		"advertise: host":           func(c *Config) { c.Advertise = "no such host" },
		"tags exceeds limit":        func(c *Config) { c.Address = strings.Repeat("a", 600) },
	} {
		cfg := sampleConfig(0)
		change(&cfg)
		m, err := New(cfg)
		if err == nil {
			m.Shutdown()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v: want one with %q", err, want)
		}
	}
}

// lockedBuffer is written to by serf's goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestSerfLogsAtDebug(t *testing.T) {
	for level, wantLines := range map[slog.Level]bool{slog.LevelDebug: true, slog.LevelInfo: false} {
		var out lockedBuffer
		cfg := sampleConfig(0)
		cfg.Logger = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level}))
		if err := run(t, cfg).Shutdown(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(out.String(), "serf: Shutdown without a Leave"); got != wantLines {
			t.Errorf("at %s serf's lines are logged: %t, want %t", level, got, wantLines)
		}
	}
}
