package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// network is a switch and hosts, each in a network namespace of its own, with no
// way out.
type network struct {
	prefix string
	hosts  []string
}

// newNetwork makes the switch.
func newNetwork(ctx context.Context) (*network, error) {
	n := &network{prefix: fmt.Sprintf("anthill-%d-", os.Getpid())}
	if err := n.ip(ctx, "netns", "add", n.hub()); err != nil {
		return nil, err
	}
	n.hosts = append(n.hosts, n.hub())
	return n, errors.Join(
		n.ip(ctx, "-n", n.hub(), "link", "add", "bridge", "type", "bridge"),
		n.ip(ctx, "-n", n.hub(), "link", "set", "bridge", "up"))
}

func (n *network) hub() string { return n.prefix + "hub" }

// add makes a host with an uplink, 0 for one without limit, and gives its
// namespace and address.
func (n *network) add(ctx context.Context, name string, uplink rate) (ns, address string, err error) {
	ns, address = n.prefix+name, fmt.Sprintf("10.77.%d.%d", len(n.hosts)/250, 1+len(n.hosts)%250)
	if err := n.ip(ctx, "netns", "add", ns); err != nil {
		return "", "", err
	}
	n.hosts = append(n.hosts, ns)
	port := "port" + strconv.Itoa(len(n.hosts))
	err = errors.Join(
		n.ip(ctx, "-n", n.hub(), "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", ns),
		n.ip(ctx, "-n", n.hub(), "link", "set", port, "master", "bridge", "up"),
		n.ip(ctx, "-n", ns, "addr", "add", address+"/16", "dev", "eth0"),
		n.ip(ctx, "-n", ns, "link", "set", "lo", "up"),
		n.ip(ctx, "-n", ns, "link", "set", "eth0", "up"))
	if err == nil && uplink > 0 {
		bits := strconv.FormatInt(int64(uplink), 10) + "bit"
		err = command(ctx, "tc", "-n", ns, "qdisc", "add", "dev", "eth0", "root", "tbf", "rate", bits, "burst", "64kb", "latency", "100ms")
	}
	return ns, address, err
}

// sent is how many bytes a host has sent.
func (n *network) sent(ctx context.Context, ns string) (int64, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	out, err := exec.CommandContext(ctx, "ip", "netns", "exec", ns, "cat", "/sys/class/net/eth0/statistics/tx_bytes").Output()
	if err != nil {
		return 0, fmt.Errorf("read counters of %s: %w", ns, err)
	}
	return strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
}

// close removes everything, also after an interrupt.
func (n *network) close() error {
	var errs []error
	for _, ns := range n.hosts {
		errs = append(errs, n.ip(context.Background(), "netns", "del", ns))
	}
	n.hosts = nil
	return errors.Join(errs...)
}

func (n *network) ip(ctx context.Context, args ...string) error { return command(ctx, "ip", args...) }

func command(ctx context.Context, name string, args ...string) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
