package reach

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxLooks is at how many addresses a node is looked for at a time.
	maxLooks = 5
	// maxUnproven is how many addresses that do not lead to who named them are dialled in
	// an hour: of the host from which a node comes for each node, of others for each owner.
	maxUnproven = 5
	unprovenFor = time.Hour
	// lookRest is for how long an address that did not lead there is left alone, and
	// ownRest the same at the host from which the node comes: its router may just have
	// opened the port.
	lookRest = time.Minute
	ownRest  = 5 * time.Second
	// lookTime is how long an address has to answer, and lookersAtOnce bounds what is
	// dialled at a time.
	lookTime      = 3 * time.Second
	lookersAtOnce = 16
	// namedAddresses is how many of a name's addresses are looked at.
	namedAddresses = 2
)

// Claim is where a node says that it can be dialled.
type Claim struct {
	Node       jobs.NodeID
	Owner      jobs.OwnerID
	Host       string   // from which it calls; "" if that is not known
	Address    string   // HOST:PORT at which it listens
	Advertised []string // HOST:PORTs
}

// Look is what came of dialling an address.
type Look struct {
	Address  string `json:"address"`            // HOST:PORT, as it was said
	Answered string `json:"answered,omitempty"` // IP:PORT at which the node answered; "": nowhere
	Why      string `json:"why,omitempty"`      // it did not
}

// Looks looks at where nodes say that they can be dialled. What leads to the node's own
// key has asked for it; of other addresses nobody can have more than a few dialled. The
// zero value with Prove set is ready for use.
type Looks struct {
	// Prove dials IP:PORT, and fails if it is not that node that answers.
	Prove func(ctx context.Context, node jobs.NodeID, address string) error

	find lookup           // nil: as the system does
	now  func() time.Time // nil: time.Now

	mu       sync.Mutex
	begun    int
	unproven map[string]map[string]time.Time // addresses, by who had them dialled, and when
}

// At looks at the addresses of a claim: first at the host from which it came, then at
// those that are advertised, in their order.
func (l *Looks) At(ctx context.Context, c Claim) []Look {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	var said []string
	if _, port, err := net.SplitHostPort(c.Address); err == nil && c.Host != "" {
		said = append(said, net.JoinHostPort(c.Host, port))
	}
	said = append(said, c.Advertised[:min(len(c.Advertised), maxLooks)]...)
	looks := make([]Look, len(said))
	dial := l.dialOnce(ctx, c)
	var all sync.WaitGroup
	for i, address := range said {
		looks[i].Address = address
		if slices.Contains(said[:i], address) {
			continue // it is looked at
		}
		all.Go(func() {
			var err error
			if looks[i].Answered, err = l.look(ctx, dial, address); err != nil {
				looks[i].Why = err.Error()
			}
		})
	}
	all.Wait()
	for i, address := range said {
		looks[i] = looks[slices.Index(said, address)]
	}
	return looks
}

// dialOnce gives what looks at the IP:PORTs of a claim, at each once: a name may well be of
// the same place as an address.
func (l *Looks) dialOnce(ctx context.Context, c Claim) func(address string) error {
	var mu sync.Mutex
	looked := map[string]func() error{}
	return func(address string) error {
		mu.Lock()
		look, ok := looked[address]
		if !ok {
			look = sync.OnceValue(func() error { return l.dial(ctx, c, address) })
			looked[address] = look
		}
		mu.Unlock()
		return look()
	}
}

// look finds which of an address's IPs leads to the node.
func (l *Looks) look(ctx context.Context, dial func(address string) error, address string) (answered string, err error) {
	find := l.find
	if find == nil {
		find = net.DefaultResolver.LookupNetIP
	}
	list, err := resolve(ctx, find, address)
	if err != nil {
		return "", err
	}
	err = fmt.Errorf("%s: this name has no address", address)
	for _, at := range list[:min(len(list), namedAddresses)] {
		if err = dial(at); err == nil {
			return at, nil
		}
	}
	return "", err
}

// dial looks at one address, if the node may have it dialled.
func (l *Looks) dial(ctx context.Context, c Claim, address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || at.Port() == 0 {
		return fmt.Errorf("%s: want HOST:PORT", address)
	}
	host, _ := netip.ParseAddr(c.Host) // it is none where it is not known
	own := host.IsValid() && host.Unmap() == at.Addr().Unmap()
	if !own && !mayName(host.Unmap(), at.Addr().Unmap()) {
		return fmt.Errorf("%s: a node that comes from elsewhere cannot be there", address)
	}
	by, rest := "owner "+string(c.Owner), lookRest
	if own {
		by, rest = "node "+string(c.Node), ownRest
	}
	if err := l.begin(by, address, rest); err != nil {
		return err
	}
	err = l.Prove(ctx, c.Node, address)
	l.end(by, address, err == nil)
	if err != nil && !own { // what is there is none of its business
		return fmt.Errorf("%s: it does not lead to this node", address)
	}
	return err
}

// mayName tells whether a node that comes from a host may say that it is at another one
// as well: a public one, or one of networks such as it is in itself.
func mayName(host, ip netip.Addr) bool {
	switch {
	case isPublic(ip):
		return true
	case !ip.IsGlobalUnicast():
		return host.IsLoopback() && ip.IsLoopback()
	}
	return host.IsValid() && !isPublic(host)
}

// begin counts an address as one that leads to somebody else, until end.
func (l *Looks) begin(by, address string, rest time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock()
	l.forget(now)
	before, known := l.unproven[by][address]
	switch {
	case known && now.Sub(before) < rest:
		return fmt.Errorf("%s: it was dialled a moment ago", address)
	case !known && len(l.unproven[by]) >= maxUnproven:
		return fmt.Errorf("%s: not dialled, since %d others did not lead here within the hour", address, maxUnproven)
	case l.begun >= lookersAtOnce:
		return fmt.Errorf("%s: too much is dialled at the moment", address)
	}
	if l.unproven == nil {
		l.unproven = map[string]map[string]time.Time{}
	}
	if l.unproven[by] == nil {
		l.unproven[by] = map[string]time.Time{}
	}
	l.unproven[by][address] = now
	l.begun++
	return nil
}

func (l *Looks) end(by, address string, proven bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun--
	if proven {
		delete(l.unproven[by], address)
	}
}

// forget lets go of what was dialled long ago. It is called with mu held.
func (l *Looks) forget(now time.Time) {
	for by, list := range l.unproven {
		for address, at := range list {
			if now.Sub(at) >= unprovenFor {
				delete(list, address)
			}
		}
		if len(list) == 0 {
			delete(l.unproven, by)
		}
	}
}

func (l *Looks) clock() time.Time {
	if l.now != nil {
		return l.now()
	}
	return time.Now()
}

// CheckAdvertised refuses what cannot be dialled.
func CheckAdvertised(list []string) error {
	if len(list) > maxLooks {
		return fmt.Errorf("%d addresses are too many, at most %d", len(list), maxLooks)
	}
	for _, address := range list {
		host, port, err := net.SplitHostPort(address)
		n, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || host == "" || len(address) > 300 || bad != nil || n == 0 {
			return fmt.Errorf("%q: want HOST:PORT at which others reach this node", address)
		}
	}
	return nil
}
