//go:build linux

package homes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Daemon is the program that routers of homes open ports by.
const Daemon = "miniupnpd"

// The protocols by which a router may open ports.
const (
	PCP    = "PCP" // and NAT-PMP, which comes with it
	NATPMP = "NAT-PMP"
	UPnP   = "UPnP"
)

// igdTables are where the daemon writes its rules, and what lets those through that it
// has passed on.
const igdTables = `add rule ip home pass iifname wan ct status dnat accept
table inet filter {
 chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
 chain miniupnpd { }
 chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
 chain postrouting { type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd; }
 chain prerouting_miniupnpd { }
 chain postrouting_miniupnpd { }
}
`

// OpenPorts has the router of a machine open ports for whoever asks from inside, by one
// of the protocols, until end is called. Dir is for its files. The error is ErrCannot
// where the daemon is not installed.
func (m *Machine) OpenPorts(ctx context.Context, dir, protocol string) (end func() error, err error) {
	if _, err := exec.LookPath(Daemon); err != nil {
		return nil, fmt.Errorf("%w: %s is not installed", ErrCannot, Daemon)
	}
	router := &Machine{Name: m.router, lab: m.lab, space: m.router}
	tables := router.Command(ctx, "nft", "-f", "-")
	tables.Stdin = strings.NewReader(igdTables)
	if out, err := tables.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("tables of %s: %w: %s", m.router, err, out)
	}
	config := filepath.Join(dir, m.router+".conf")
	yes := map[bool]string{true: "yes", false: "no"}
	err = os.WriteFile(config, fmt.Appendf(nil, `ext_ifname=wan
listening_ip=lan
ext_ip=1.2.3.4
enable_natpmp=%s
enable_upnp=%s
secure_mode=yes
system_uptime=yes
min_lifetime=1
allow 1024-65535 192.168.1.0/24 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`, yes[protocol != UPnP], yes[protocol == UPnP]), 0o600)
	if err != nil {
		return nil, err
	}
	cmd := router.Command(context.WithoutCancel(ctx), Daemon, "-d", "-f", config, "-P", filepath.Join(dir, m.router+".pid"))
	log, err := os.Create(filepath.Join(dir, m.router+".log"))
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := errors.Join(cmd.Start(), log.Close()); err != nil {
		return nil, err
	}
	return func() error {
		err := cmd.Process.Signal(os.Interrupt)
		time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait() // it says how it was ended
		return err
	}, nil
}

// Forwarded are the rules by which the router of a machine passes ports on.
func (m *Machine) Forwarded(ctx context.Context) (string, error) {
	router := &Machine{lab: m.lab, space: m.router}
	out, err := router.Command(ctx, "nft", "list", "chain", "inet", "filter", "prerouting_miniupnpd").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("rules of %s: %w: %s", m.router, err, out)
	}
	var rules []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "dnat") {
			rules = append(rules, strings.TrimSpace(line))
		}
	}
	return strings.Join(rules, "\n"), nil
}
