package membership

import (
	"bytes"
	"context"
	"errors"
	"log"
	"log/slog"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"
)

const (
	tagRole    = "role"
	tagFull    = "full"    // set: its disk takes no more
	tagAddress = "address" // which may have a name, where gossip itself knows IP addresses
)

// serfConfig is serf's LAN profile, in which members find a failure in 4 to 24
// seconds.
func serfConfig(cfg Config) (*serf.Config, error) {
	if cfg.Node == "" {
		return nil, errors.New("no node id")
	}
	if cfg.Transport == nil {
		return nil, errors.New("no transport")
	}
	list, err := memberlistConfig(cfg)
	if err != nil {
		return nil, err
	}
	conf := serf.DefaultConfig()
	conf.NodeName = string(cfg.Node)
	conf.Tags = map[string]string{tagRole: cfg.Role.String(), tagAddress: cfg.Transport.address}
	conf.ProtocolVersion = serf.ProtocolVersionMax
	conf.MemberlistConfig = list
	conf.SnapshotPath = cfg.SnapshotPath
	// A node that runs wants to be in the grid, however it ended the last time.
	conf.RejoinAfterLeave = true
	// The loser of a conflict would shut down, by a vote of all.
	conf.EnableNameConflictResolution = false
	conf.DisableCoordinates = true
	conf.LogOutput, conf.Logger = nil, list.Logger
	return conf, nil
}

func memberlistConfig(cfg Config) (*memberlist.Config, error) {
	list := memberlist.DefaultLANConfig()
	list.Transport = cfg.Transport
	ip, port, err := cfg.Transport.FinalAdvertiseAddr("", 0)
	if err != nil {
		return nil, err
	}
	list.BindAddr, list.BindPort = ip.String(), port // the transport binds nothing
	list.AdvertiseAddr, list.AdvertisePort = ip.String(), port
	// A node may come back at another address. Without this it would stay failed
	// for a day.
	list.DeadNodeReclaimTime = time.Second
	list.LogOutput, list.Logger = nil, debugLogger(cfg.Logger)
	return list, nil
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
