//go:build linux

// Package homes makes networks as volunteers have them, for tests and measurements:
// machines on a small internet, and machines behind routers of all kinds, each a network
// namespace of its own. It needs root, iproute2 and nftables.
package homes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
)

// ErrCannot: this machine does not let us make networks.
var ErrCannot = errors.New("no networks can be made here")

// Kind is how a router treats what comes and goes.
type Kind string

// The kinds of homes.
const (
	Open      Kind = "open"      // no router at all
	Cone      Kind = "cone"      // one that keeps ports
	Symmetric Kind = "symmetric" // one that takes another port for each destination
	NoUDP     Kind = "no-udp"    // a cone that lets no UDP through
	Only443   Kind = "only-443"  // a cone that lets nothing out but TCP to port 443
	Double    Kind = "double"    // a cone behind the carrier's
)

// Kinds are all of them.
var Kinds = []Kind{Open, Cone, Symmetric, NoUDP, Only443, Double}

// Lab is one small internet. Its networks go with Close.
type Lab struct {
	prefix string

	mu     sync.Mutex
	spaces []string
	hosts  int
}

// Machine is one computer.
type Machine struct {
	Name    string
	Address string // its own IP address
	Public  string // the one that others see
	lab     *Lab
	space   string
	router  string    // the namespace of its router; "" if it has none
	beside  int       // machines behind the same router
	plug    [2]string // the namespace and the device at the other end of its line
}

// New makes a small internet. The error is ErrCannot where that is not allowed.
func New() (*Lab, error) {
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: it takes root", ErrCannot)
	}
	for _, tool := range []string{"ip", "nft", "tc"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, fmt.Errorf("%w: %s is not installed", ErrCannot, tool)
		}
	}
	l := &Lab{prefix: fmt.Sprintf("ah%d", os.Getpid()), hosts: 1}
	if err := l.space("net"); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCannot, err)
	}
	err := l.in("net", `ip link add br0 type bridge
ip link set br0 up
ip addr add 203.0.113.1/24 dev br0`)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %w", ErrCannot, err), l.Close())
	}
	return l, nil
}

// Close takes all networks away. What runs in them must have ended.
func (l *Lab) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, name := range l.spaces {
		errs = append(errs, run("ip netns del "+name))
	}
	l.spaces = nil
	return errors.Join(errs...)
}

// name is that of a namespace.
func (l *Lab) name(space string) string { return l.prefix + "-" + space }

func (l *Lab) space(name string) error {
	if err := run("ip netns add " + l.name(name)); err != nil {
		return err
	}
	l.mu.Lock()
	l.spaces = append(l.spaces, l.name(name))
	l.mu.Unlock()
	return l.in(name, "ip link set lo up")
}

// in runs lines of commands in a namespace.
func (l *Lab) in(space, lines string) error {
	for line := range strings.Lines(lines) {
		if err := run("ip netns exec " + l.name(space) + " " + strings.TrimSpace(line)); err != nil {
			return err
		}
	}
	return nil
}

func run(line string) error {
	args := strings.Fields(line)
	out, err := exec.Command(args[0], args[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", line, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// attach connects a namespace to the internet, and gives its address there.
func (l *Lab) attach(space string) (string, error) {
	l.mu.Lock()
	l.hosts++
	host := l.hosts
	l.mu.Unlock()
	address := fmt.Sprintf("203.0.113.%d", host)
	if err := run(fmt.Sprintf("ip link add wan netns %s type veth peer name p%d netns %s", l.name(space), host, l.name("net"))); err != nil {
		return "", err
	}
	err := l.in("net", fmt.Sprintf("ip link set p%d master br0 up", host))
	return address, errors.Join(err, l.in(space, `ip link set wan up
ip addr add `+address+`/24 dev wan
ip route add default via 203.0.113.1`))
}

// port is what an address of the internet is plugged into.
func (l *Lab) port(address string) [2]string {
	return [2]string{"net", "p" + address[strings.LastIndexByte(address, '.')+1:]}
}

// Machine makes a machine behind a router of its own, or without one.
func (l *Lab) Machine(name string, kind Kind) (*Machine, error) {
	m := &Machine{Name: name, lab: l, space: name}
	if err := l.space(name); err != nil {
		return nil, err
	}
	if kind == Open {
		address, err := l.attach(name)
		m.Address, m.Public, m.plug = address, address, l.port(address)
		return m, err
	}
	m.router = name + "r"
	if err := l.space(m.router); err != nil {
		return nil, err
	}
	if err := l.uplink(m, kind); err != nil {
		return nil, err
	}
	if err := l.in(m.router, "sysctl -qw net.ipv4.ip_forward=1\nip link add lan type bridge\nip link set lan up\nip addr add 192.168.1.1/24 dev lan"); err != nil {
		return nil, err
	}
	return m, errors.Join(l.rules(m.router, kind), l.wire(m, m))
}

// uplink connects a router to the internet: through the carrier's where there are two.
func (l *Lab) uplink(m *Machine, kind Kind) (err error) {
	if kind != Double {
		m.Public, err = l.attach(m.router)
		return err
	}
	carrier := m.Name + "c"
	if err := l.space(carrier); err != nil {
		return err
	}
	if m.Public, err = l.attach(carrier); err != nil {
		return err
	}
	err = run(fmt.Sprintf("ip link add wan netns %s type veth peer name lan netns %s", l.name(m.router), l.name(carrier)))
	return errors.Join(err,
		l.in(carrier, "sysctl -qw net.ipv4.ip_forward=1\nip link set lan up\nip addr add 100.64.0.1/24 dev lan"),
		l.rules(carrier, Cone),
		l.in(m.router, "ip link set wan up\nip addr add 100.64.0.2/24 dev wan\nip route add default via 100.64.0.1"))
}

// wire plugs a machine into the router of another.
func (l *Lab) wire(m, home *Machine) error {
	home.beside++
	m.Address, m.Public, m.router = fmt.Sprintf("192.168.1.%d", 9+home.beside), home.Public, home.router
	m.plug = [2]string{home.router, fmt.Sprintf("l%d", home.beside)}
	if err := run(fmt.Sprintf("ip link add eth0 netns %s type veth peer name l%d netns %s", l.name(m.space), home.beside, l.name(home.router))); err != nil {
		return err
	}
	return errors.Join(
		l.in(home.router, fmt.Sprintf("ip link set l%d master lan up", home.beside)),
		l.in(m.space, "ip link set eth0 up\nip addr add "+m.Address+"/24 dev eth0\nip route add default via 192.168.1.1"))
}

// Beside makes a machine behind the same router as another.
func (l *Lab) Beside(home *Machine, name string) (*Machine, error) {
	m := &Machine{Name: name, lab: l, space: name}
	if err := l.space(name); err != nil {
		return nil, err
	}
	return m, l.wire(m, home)
}

// rules makes a namespace route as a kind of router does: what nobody inside has begun
// does not come in.
func (l *Lab) rules(space string, kind Kind) error {
	masquerade, also := "masquerade", ""
	switch kind {
	case Symmetric:
		masquerade = "masquerade fully-random"
	case NoUDP:
		also = "iifname lan meta l4proto udp drop"
	case Only443:
		also = "iifname lan tcp dport != 443 drop\n  iifname lan meta l4proto udp drop"
	}
	cmd := exec.Command("ip", "netns", "exec", l.name(space), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(`table ip home {
 chain nat { type nat hook postrouting priority srcnat
  oifname wan ` + masquerade + `
 }
 chain pass { type filter hook forward priority filter; policy drop
  ` + also + `
  iifname lan accept
  ct state established,related accept
 }
 chain self { type filter hook input priority filter; policy accept
  iifname wan ct state established,related accept
  iifname wan drop
 }
}
`)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("rules of %s: %w: %s", space, err, out)
	}
	return nil
}

// Command is a command that is to run on a machine.
func (m *Machine) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", m.lab.name(m.space), name}, args...)...)
}

// Unplug takes a machine off its network; Plug puts it back.
func (m *Machine) Unplug() error { return m.lab.in(m.plug[0], "ip link set "+m.plug[1]+" down") }

// Plug undoes Unplug.
func (m *Machine) Plug() error { return m.lab.in(m.plug[0], "ip link set "+m.plug[1]+" up") }

// Forward has the machine's router pass a TCP port on to it.
func (m *Machine) Forward(port int) error {
	return m.lab.in(m.router, fmt.Sprintf(`nft add chain ip home forwarded { type nat hook prerouting priority dstnat ; }
nft add rule ip home forwarded iifname wan tcp dport %d dnat to %s
nft add rule ip home pass iifname wan ct status dnat accept`, port, m.Address))
}

// Limit bounds what leaves a home, or a machine without a router, and what comes to it.
func (m *Machine) Limit(mbit int) error {
	space, device := m.space, "wan"
	if m.router != "" {
		space = m.router
	}
	shape := "root tbf rate %dmbit burst 64kb latency 50ms"
	up := fmt.Sprintf("tc qdisc replace dev %s "+shape, device, mbit)
	if m.router == "" {
		return m.lab.in(space, up)
	}
	return m.lab.in(space, up+"\n"+fmt.Sprintf("tc qdisc replace dev lan "+shape, mbit))
}
