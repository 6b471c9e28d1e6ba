package membership

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

const (
	tagRole    = "role"
	tagAddress = "address"
)

// serfConfig is serf's LAN profile, in which members find a failure in 4 to 24
// seconds.
func serfConfig(cfg Config) (*serf.Config, error) {
	if cfg.Node == "" {
		return nil, errors.New("no node id")
	}
	if len(cfg.Key) != KeySize {
		return nil, fmt.Errorf("the gossip key has %d bytes: want %d", len(cfg.Key), KeySize)
	}
	list, err := memberlistConfig(cfg)
	if err != nil {
		return nil, err
	}
	conf := serf.DefaultConfig()
	conf.NodeName = string(cfg.Node)
	conf.Tags = map[string]string{tagRole: cfg.Role.String(), tagAddress: cfg.Address}
	conf.ProtocolVersion = serf.ProtocolVersionMax
	conf.MemberlistConfig = list
	conf.SnapshotPath = cfg.SnapshotPath
	// A node that runs wants to be in the grid, however it ended the last time.
	conf.RejoinAfterLeave = true
	// The loser of a conflict would shut down, by a vote of all that have the key.
	conf.EnableNameConflictResolution = false
	conf.DisableCoordinates = true
	conf.LogOutput, conf.Logger = nil, list.Logger
	return conf, nil
}

func memberlistConfig(cfg Config) (*memberlist.Config, error) {
	host, port, err := splitBind(cfg.Bind)
	if err != nil {
		return nil, err
	}
	advertise, err := advertised(cfg, host)
	if err != nil {
		return nil, err
	}
	list := memberlist.DefaultLANConfig()
	list.BindAddr, list.BindPort = host.String(), port
	list.AdvertiseAddr, list.AdvertisePort = advertise, port // memberlist replaces port 0
	list.SecretKey = cfg.Key
	// A node may come back at another address. Without this it would stay failed
	// for a day.
	list.DeadNodeReclaimTime = time.Second
	list.LogOutput, list.Logger = nil, debugLogger(cfg.Logger)
	return list, nil
}

func splitBind(bind string) (net.IP, int, error) {
	host, service, err := net.SplitHostPort(bind)
	if err != nil {
		return nil, 0, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, 0, fmt.Errorf("port %q: want 0 to 65535", service)
	}
	if host == "" {
		return net.IPv4zero, int(port), nil
	}
	ip, err := resolve(host)
	return ip, int(port), err
}

// advertised is empty where memberlist chooses well by itself.
func advertised(cfg Config, bound net.IP) (string, error) {
	if cfg.Advertise == "" && !bound.IsUnspecified() {
		return "", nil
	}
	host := cfg.Advertise
	if host == "" {
		host, _, _ = net.SplitHostPort(cfg.Address)
	}
	if host == "" {
		return "", nil
	}
	ip, err := resolve(host)
	if err != nil {
		return "", fmt.Errorf("advertise: %w", err)
	}
	if !ip.IsUnspecified() {
		return ip.String(), nil
	}
	return "", nil
}

// resolve is needed since memberlist takes addresses only: it would bind a
// name as if it were 0.0.0.0.
func resolve(host string) (net.IP, error) {
	addr, err := net.ResolveIPAddr("ip", host)
	if err != nil {
		return nil, fmt.Errorf("host %q: %w", host, err)
	}
	return addr.IP, nil
}

// debugLogger carries serf's and memberlist's lines to slog.
func debugLogger(logger *slog.Logger) *log.Logger {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return log.New(debugWriter{logger}, "", 0)
}

type debugWriter struct {
	logger *slog.Logger
}

// Write takes one line, such as "[WARN] memberlist: ...". Its level is serf's
// opinion and not kept: what is news for serf is routine for a grid.
func (w debugWriter) Write(line []byte) (int, error) {
	if w.logger.Enabled(context.Background(), slog.LevelDebug) {
		w.logger.Debug(string(bytes.TrimSpace(line)))
	}
	return len(line), nil
}
