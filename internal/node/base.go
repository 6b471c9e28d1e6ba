package node

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
)

// BaseConfig says which node starts, and where.
type BaseConfig struct {
	Dir    string
	Role   jobs.Role
	Token  string // empty: the node has been here before
	Listen string // HOST:PORT
	// Address is HOST:PORT under which others know this node; "": what Listen says.
	Address string
	// Advertised are HOST:PORTs besides at which others may reach it.
	Advertised []string
	// Map asks the router for a port, as reach.AskRouter does; nil: no router is asked.
	Map   reach.Mapper
	Quota int64 // of blobs on disk, in bytes
	// Traffic bounds what other nodes may fetch from here and what is fetched from
	// them, but not the calls to coordinators.
	Traffic throttle.Limits
	// Relay is what is carried between nodes that cannot reach each other.
	Relay reach.RelayConfig
	// Find is swarm.Config's.
	Find func(context.Context, blob.ID) ([]swarm.Provider, time.Duration, error)
	// Gossip, where set, gets connections of nodes that want to gossip.
	Gossip func(net.Conn, identity.Peer)
	// Found, where set, may make an identity in Dir before one is looked for.
	Found  func(address string) error
	Logger *slog.Logger
}

// Base is what coordinators and workers have in common.
type Base struct {
	*identity.Directory
	Address  string // HOST:PORT at which others reach Listener
	Listener net.Listener
	Store    *blobstore.Store
	Swarm    *swarm.Swarm
	Paths    *reach.Room
	Relay    *reach.Relay
	Volume   *throttle.Volume // nil where the month's traffic has no limit

	gossip func(net.Conn, identity.Peer)
	dir    string
	logger *slog.Logger

	lock  io.Closer
	line  *throttle.Line
	peers *swarm.Pool
}

// NewBase locks the data directory, opens the port, gets the identity, and
// opens the disk.
func NewBase(ctx context.Context, cfg BaseConfig) (*Base, error) {
	b := &Base{}
	if err := b.open(ctx, cfg); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Base) open(ctx context.Context, cfg BaseConfig) (err error) {
	b.dir, b.logger = cfg.Dir, cfg.Logger
	if b.lock, err = Lock(cfg.Dir); err != nil {
		return err
	}
	if b.Listener, b.Address, err = Listen(cfg.Listen, Toward(cfg.Token)); err != nil {
		return err
	}
	b.Address = cmp.Or(cfg.Address, b.Address)
	b.gossip = cfg.Gossip
	if cfg.Found != nil {
		if err := cfg.Found(b.Address); err != nil {
			return err
		}
	}
	if b.Directory, err = Open(ctx, Config{Dir: cfg.Dir, Role: cfg.Role, Token: cfg.Token, Address: b.Address, Logger: cfg.Logger}); err != nil {
		return err
	}
	if b.Store, err = blobstore.Open(blobstore.Config{Dir: filepath.Join(cfg.Dir, "blobs"), Quota: cfg.Quota}); err != nil {
		return err
	}
	if cfg.Traffic.Monthly > 0 {
		b.Volume, err = throttle.OpenVolume(throttle.VolumeConfig{Limit: cfg.Traffic.Monthly, File: filepath.Join(cfg.Dir, "volume.json"), Logger: cfg.Logger})
		if err != nil {
			return err
		}
	}
	b.line = throttle.New(cfg.Traffic, b.Volume)
	b.Paths = reach.New(reach.Config{
		Identity: b.Identity, Address: b.Address, Advertised: cfg.Advertised, Dial: b.line.Dial, Carry: b.line.Carry,
		UDP: b.Listener.Addr().String(), Map: cfg.Map, Listens: b.Listener.Addr().(*net.TCPAddr).AddrPort(),
		Tell: cfg.Role == jobs.Coordinator, Logger: cfg.Logger,
	})
	b.Relay = reach.NewRelay(cfg.Relay)
	b.Listener = b.Paths.Listen(b.line.Listen(b.Listener))
	b.peers = swarm.NewPool(identity.PeerCredentials(b.Identity, nil), b.Paths)
	b.Swarm, err = swarm.New(swarm.Config{
		Store: b.Store, Dial: b.peers.Dial, Self: b.Address, Node: b.Identity.Node(), Spent: b.Volume.Err, Refused: filepath.Join(cfg.Dir, "refused.json"),
		Identify: identity.Identify, Find: cfg.Find, Logger: cfg.Logger,
	})
	return err
}

// Credentials are for a gRPC server that serves pieces: of the nodes that may connect,
// no more are let in than Traffic allows. Coordinators are always let in: they come for
// what was computed.
func (b *Base) Credentials() credentials.TransportCredentials {
	return b.line.Credentials(identity.ServerCredentials(b.Identity, b.Handover()), func(info credentials.AuthInfo) (string, bool) {
		node, role, err := identity.Identify(info)
		return string(node), err == nil && role == jobs.Coordinator
	})
}

// Handover says who takes what comes beside gRPC to any node.
func (b *Base) Handover() identity.Handover {
	return identity.Handover{Back: b.Paths.Back, Relay: b.Relay.Take, Gossip: b.gossip}
}

// KeepCertificate renews the node's certificate whenever that is due, until ctx ends.
func (b *Base) KeepCertificate(ctx context.Context) {
	renew := func() error { return enrol.Renew(ctx, b.Directory, b.dir) }
	if b.Authorities != nil {
		renew = func() error {
			if err := b.RenewSelf(b.Address); err != nil {
				return err
			}
			return b.Save(b.dir)
		}
	}
	enrol.Keep(ctx, b.Identity, renew, func(err error) {
		b.logger.Warn("failed to renew this node's certificate", "ends", b.Identity.Leaf().NotAfter, "error", err)
	})
}

// Close closes what was opened, the last first.
func (b *Base) Close() error {
	var errs []error
	if b.Swarm != nil {
		errs = append(errs, b.Swarm.Close())
	}
	if b.peers != nil {
		errs = append(errs, b.peers.Close())
	}
	if b.Paths != nil {
		errs = append(errs, b.Paths.Close(), b.Relay.Close())
	}
	if b.Store != nil {
		errs = append(errs, b.Store.Close())
	}
	if b.Listener != nil {
		b.Listener.Close() // a gRPC server has closed it, if it came so far
	}
	errs = append(errs, b.Volume.Close())
	if b.lock != nil {
		errs = append(errs, b.lock.Close())
	}
	return errors.Join(errs...)
}
