// Package membership tells by gossip which of the grid's own nodes are there and which
// have failed.
//
// Only members gossip: nodes that the grid's operators run. A volunteer's node has one
// session with a coordinator instead, and no say in this. Every packet comes over the
// nodes' TLS port from a peer that was authenticated, see Transport, and all the same
// gossip is a hint and never the authority: roles, leases, bans and voters live in the
// replicated state.
package membership

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/hashicorp/serf/serf"

	"github.com/anthill-grid/anthill/jobs"
)

// Status is what gossip thinks of a member.
type Status uint8

// A member that left said so; one that failed did not.
const (
	Alive Status = iota
	Failed
	Left
)

func (s Status) String() string {
	switch s {
	case Alive:
		return "alive"
	case Failed:
		return "failed"
	case Left:
		return "left"
	default:
		return fmt.Sprintf("status(%d)", uint8(s))
	}
}

// Member is a node that gossips.
type Member struct {
	Node    jobs.NodeID
	Role    jobs.Role
	Address string // HOST:PORT of its TLS port, as it says
	Status  Status
	Full    bool      // its disk takes no more, as it says
	Since   time.Time // when this node heard that
}

// Config says which node gossips, and where.
type Config struct {
	Node      jobs.NodeID
	Role      jobs.Role
	Transport *Transport
	// SnapshotPath is the file in which members are remembered, so that a node
	// that restarts finds the grid again. Empty: none.
	SnapshotPath string
	// Logger gets serf's chatter at debug level. Default: nothing is logged.
	Logger *slog.Logger
}

// Membership is this node's part in the gossip.
type Membership struct {
	serf    *serf.Serf
	changes chan struct{}
	since   sightings
	tags    map[string]string // this node's own
	full    bool              // the tags say so
}

// New starts to gossip. Until Join, or until a node of the snapshot is found
// again, the only member is this one.
func New(cfg Config) (*Membership, error) {
	conf, err := serfConfig(cfg)
	if err != nil {
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	m, err := start(conf)
	if err != nil {
		return nil, fmt.Errorf("start gossip: %w", err)
	}
	return m, nil
}

func start(conf *serf.Config) (*Membership, error) {
	events := make(chan serf.Event, 64)
	conf.EventCh = events
	s, err := serf.Create(conf)
	if err != nil {
		return nil, err
	}
	m := &Membership{serf: s, changes: make(chan struct{}, 1), tags: conf.Tags, since: sightings{seen: map[jobs.NodeID]sighting{}}}
	go m.drain(events)
	return m, nil
}

// drain turns events into the signal. Serf stops updating its members when its
// events are not taken.
func (m *Membership) drain(events <-chan serf.Event) {
	for {
		select {
		case <-events:
			m.Members() // notes when it was heard
			select {
			case m.changes <- struct{}{}:
			default: // a signal is waiting to be taken
			}
		case <-m.serf.ShutdownCh():
			return
		}
	}
}

// Join meets the members at these addresses (HOST:PORT) and returns how
// many of them answered. The error is not nil if none did. This node's own
// address does not count.
func (m *Membership) Join(addresses []string) (int, error) {
	local := m.serf.LocalMember()
	others := slices.DeleteFunc(slices.Clone(addresses), func(a string) bool { return a == addressOf(local) || a == local.Tags[tagAddress] })
	if len(others) == 0 {
		return 0, errors.New("join gossip: no address of another member")
	}
	n, err := m.serf.Join(others, true)
	if err != nil {
		return n, fmt.Errorf("join gossip: %w", err)
	}
	return n, nil
}

// Members lists all members, this one included, by node id. Those that failed
// or left are remembered for a day.
func (m *Membership) Members() []Member {
	var members []Member
	for _, sm := range m.serf.Members() {
		if member, ok := memberOf(sm); ok {
			member.Since = m.since.note(member)
			members = append(members, member)
		}
	}
	slices.SortFunc(members, func(a, b Member) int { return cmp.Compare(a.Node, b.Node) })
	return members
}

// Changes signals that Members may differ from before. Many changes make one
// signal; the channel is never closed.
func (m *Membership) Changes() <-chan struct{} { return m.changes }

// Address is this node's own HOST:PORT, as the others know it.
func (m *Membership) Address() string { return m.serf.LocalMember().Tags[tagAddress] }

// Leave tells the others that this node leaves on purpose, which takes seconds.
// Shutdown must follow.
func (m *Membership) Leave() error {
	if err := m.serf.Leave(); err != nil {
		return fmt.Errorf("leave gossip: %w", err)
	}
	return nil
}

// Shutdown stops gossip. Without Leave before it, the others will find that
// this node failed.
func (m *Membership) Shutdown() error {
	if err := m.serf.Shutdown(); err != nil {
		return fmt.Errorf("stop gossip: %w", err)
	}
	return nil
}

// memberOf is false for a member that does not describe itself as Anthill's nodes do.
func memberOf(sm serf.Member) (Member, bool) {
	role, err := jobs.ParseRole(sm.Tags[tagRole])
	if err != nil {
		return Member{}, false
	}
	return Member{
		Node:    jobs.NodeID(sm.Name),
		Role:    role,
		Address: sm.Tags[tagAddress],
		Status:  statusOf(sm.Status),
		Full:    sm.Tags[tagFull] != "",
	}, true
}

func statusOf(status serf.MemberStatus) Status {
	switch status {
	case serf.StatusAlive:
		return Alive
	case serf.StatusLeaving, serf.StatusLeft:
		return Left
	default:
		return Failed
	}
}

func addressOf(sm serf.Member) string {
	return net.JoinHostPort(sm.Addr.String(), strconv.Itoa(int(sm.Port)))
}
