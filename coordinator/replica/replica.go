// Package replica keeps jobs.State replicated: a thin raft.FSM around it, the
// codec of commands and snapshots, and the ways to propose, read and wait.
//
// Nothing here decides anything. A command that the codec does not know stops
// the process: a replica that skipped it would differ from the others.
package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"github.com/anthill-grid/anthill/internal/hclogslog"
	"github.com/anthill-grid/anthill/jobs"
)

// Errors of Propose and ReadIndex; all mean: try again, elsewhere or later.
var (
	// ErrNotLeader: nothing was done.
	ErrNotLeader = errors.New("this coordinator is not the leader")
	// ErrUnknown: leadership was lost on the way, the command may still be
	// carried out. Repeat it with the same request id.
	ErrUnknown = errors.New("leadership was lost before the outcome was known")
)

// MaxCommand bounds an encoded command in bytes: larger log entries risk
// heartbeat timeouts.
const MaxCommand = 512 << 10

// Config says who the replica is and where it lives.
type Config struct {
	Node    jobs.NodeID
	Address string // HOST:PORT at which the other voters reach this one
	Dir     string // log and snapshots
	// Alone: it is to found a group, and so need not wait before it elects
	// itself. Call Settle before others join.
	Alone bool
	// Transport is how voters talk; see NewTransport.
	Transport Transport
	// Observe, where set, sees each command that has been applied, before anybody reads the
	// state after it. It must be quick, keep nothing of the state and change nothing.
	Observe func(*jobs.Command, jobs.Outcome, *jobs.State)
	// Proposed, where set, hears how long it took until a command was applied, or that it
	// was not.
	Proposed func(took time.Duration, err error)
	Logger   *slog.Logger
	// Clock is this machine's clock. Default time.Now.
	Clock func() time.Time

	hold func() // for tests: called before each write of the log
}

// Replica is one voter's copy of the state.
type Replica struct {
	cfg   Config
	raft  *raft.Raft
	fsm   *fsm
	clock clock
	logs  *wal.WAL
	disk  *disk
	leads chan bool
	// end ends what tells of leadership.
	end  context.CancelFunc
	told sync.WaitGroup
	// settled is the term in which this replica, as its leader, has applied all
	// that former leaders committed.
	settled atomic.Uint64
}

// Open starts the replica from what is on disk.
func Open(cfg Config) (*Replica, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("open replica: %w", err)
	}
	logs, snapshots, err := openStores(cfg.Dir, hclogslog.New(cfg.Logger))
	if err != nil {
		return nil, err
	}
	if err := checkFormat(logs, snapshots); err != nil {
		return nil, errors.Join(fmt.Errorf("open replica in %s: %w", cfg.Dir, err), logs.Close())
	}
	r := &Replica{cfg: cfg, fsm: newFSM(), logs: logs, disk: newDisk(cfg.Logger), leads: make(chan bool, 1), clock: clock{logger: cfg.Logger}}
	if cfg.Observe != nil {
		r.fsm.observe = cfg.Observe
	}
	r.raft, err = raft.NewRaft(r.raftConfig(), r.fsm, watchedLog{logs, r.disk, cfg.hold}, logs, snapshots, mutedTransport{cfg.Transport, r.disk})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start raft: %w", err), logs.Close())
	}
	var ctx context.Context
	ctx, r.end = context.WithCancel(context.Background())
	r.told.Go(func() { r.tellLeadership(ctx) })
	return r, nil
}

// raftConfig: commands are batches of up to 512 KiB, so snapshots come after
// fewer entries than raft's default; followers learn of commits within 20 ms,
// because writes that they forward wait for that.
func (r *Replica) raftConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(r.cfg.Node)
	c.Logger = hclogslog.New(r.cfg.Logger)
	c.SnapshotThreshold = 4096
	c.TrailingLogs = 1024
	c.CommitTimeout = 20 * time.Millisecond
	if r.cfg.Alone {
		c.HeartbeatTimeout, c.ElectionTimeout = bootTimeout, bootTimeout
	}
	return c
}

// Bootstrapped says whether the replica has ever been part of a group.
func (r *Replica) Bootstrapped() bool {
	return r.raft.LastIndex() > 0
}

// bootTimeout is the election timeout of a replica that founds a group, until
// Settle: it has nobody to wait for.
const bootTimeout = 500 * time.Millisecond

// Settle sets the election timeouts for a group of several.
func (r *Replica) Settle() error {
	c := r.raft.ReloadableConfig()
	c.HeartbeatTimeout, c.ElectionTimeout = raft.DefaultConfig().HeartbeatTimeout, raft.DefaultConfig().ElectionTimeout
	return r.raft.ReloadConfig(c)
}

// Bootstrap founds a group of one.
func (r *Replica) Bootstrap() error {
	servers := []raft.Server{{ID: raft.ServerID(r.cfg.Node), Address: Address(r.cfg.Node, r.cfg.Address)}}
	if err := r.raft.BootstrapCluster(raft.Configuration{Servers: servers}).Error(); err != nil {
		return fmt.Errorf("bootstrap raft: %w", err)
	}
	return nil
}

// Propose replicates a command and answers its outcome.
func (r *Replica) Propose(ctx context.Context, c jobs.Command) (jobs.Outcome, error) {
	began := time.Now()
	out, err := r.propose(ctx, c)
	if r.cfg.Proposed != nil {
		r.cfg.Proposed(time.Since(began), err)
	}
	return out, err
}

func (r *Replica) propose(ctx context.Context, c jobs.Command) (jobs.Outcome, error) {
	var version jobs.Version
	r.View(func(s *jobs.State) { version = s.Version() })
	data, err := EncodeCommand(c, version)
	if err != nil {
		return jobs.Outcome{}, err
	}
	if len(data) > MaxCommand {
		return jobs.Outcome{}, fmt.Errorf("propose: the command has %d bytes, more than %d", len(data), MaxCommand)
	}
	if err := r.disk.err(); err != nil {
		return jobs.Outcome{}, fmt.Errorf("%w (%w)", ErrNotLeader, err)
	}
	var future raft.ApplyFuture
	err = r.await(ctx, func() raft.Future {
		future = r.raft.Apply(data, 5*time.Second)
		return future
	})
	if err != nil {
		return jobs.Outcome{}, err
	}
	return future.Response().(jobs.Outcome), nil
}

func raftError(err error) error {
	switch {
	case errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrRaftShutdown):
		return fmt.Errorf("%w (%w)", ErrUnknown, err)
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		return fmt.Errorf("%w (%w)", ErrNotLeader, err)
	}
	return fmt.Errorf("raft: %w", err)
}

// Barrier returns when everything committed by former leaders is applied here.
func (r *Replica) Barrier() error {
	return r.await(context.Background(), func() raft.Future { return r.raft.Barrier(10 * time.Second) })
}

// ReadIndex is the index up to which a reader must have applied the log to see
// every write acknowledged before the call. Leader only.
func (r *Replica) ReadIndex() (uint64, error) {
	if err := r.await(context.Background(), func() raft.Future { return r.raft.VerifyLeader() }); err != nil {
		return 0, err
	}
	if term := r.raft.CurrentTerm(); r.settled.Load() != term {
		if err := r.Barrier(); err != nil {
			return 0, err
		}
		r.settled.Store(term)
	}
	return r.fsm.applied(), nil
}

// WaitApplied returns when the log is applied here up to index.
func (r *Replica) WaitApplied(ctx context.Context, index uint64) error {
	for {
		changed := r.Changed()
		if r.fsm.applied() >= index {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for log index %d: %w", index, ctx.Err())
		}
	}
}

// View lets read look at the state, which must not be changed nor kept.
func (r *Replica) View(read func(*jobs.State)) { r.fsm.view(read) }

// Changed is closed when the next command has been applied.
func (r *Replica) Changed() <-chan struct{} { return r.fsm.watch() }

// LeaderCh tells when this replica becomes and ceases to be the leader. It
// must be drained.
func (r *Replica) LeaderCh() <-chan bool { return r.leads }

// Leader is the leader's id and HOST:PORT, as far as this replica knows.
func (r *Replica) Leader() (jobs.NodeID, string, bool) {
	_, id := r.raft.LeaderWithID()
	if id == "" || r.disk.err() != nil { // then it knows no newer one
		return "", "", false
	}
	for _, v := range r.Servers() {
		if v.Node == jobs.NodeID(id) {
			return v.Node, v.Address, true
		}
	}
	return "", "", false
}

// Voter is a member of the raft group that votes.
type Voter struct {
	Node    jobs.NodeID
	Address string // HOST:PORT
}

// Server is a member of the raft group. One without a vote follows the log.
type Server struct {
	Voter
	Votes bool
}

// Servers are the group's members.
func (r *Replica) Servers() []Server {
	f := r.raft.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	return serversOf(f.Configuration())
}

func serversOf(c raft.Configuration) (list []Server) {
	for _, s := range c.Servers {
		_, hostPort, _ := splitAddress(s.Address)
		list = append(list, Server{Voter{jobs.NodeID(s.ID), hostPort}, s.Suffrage == raft.Voter})
	}
	return list
}

// Voters are the group's members that vote.
func (r *Replica) Voters() []Voter { return votersOf(r.Servers()) }

func votersOf(list []Server) (voters []Voter) {
	for _, s := range list {
		if s.Votes {
			voters = append(voters, s.Voter)
		}
	}
	return voters
}

// changeWait is how long a change of the group waits to be taken up.
const changeWait = 10 * time.Second

// AddVoter adds a voter, gives a member its vote, or tells the group a voter's new address.
func (r *Replica) AddVoter(id jobs.NodeID, hostPort string) error {
	return changed("add voter", id, r.raft.AddVoter(raft.ServerID(id), Address(id, hostPort), 0, changeWait))
}

// AddFollower adds a member without a vote, or tells the group the new address of one.
func (r *Replica) AddFollower(id jobs.NodeID, hostPort string) error {
	return changed("add coordinator", id, r.raft.AddNonvoter(raft.ServerID(id), Address(id, hostPort), 0, changeWait))
}

// Demote takes a member's vote.
func (r *Replica) Demote(id jobs.NodeID) error {
	return changed("demote voter", id, r.raft.DemoteVoter(raft.ServerID(id), 0, changeWait))
}

// Remove has a member leave the group.
func (r *Replica) Remove(id jobs.NodeID) error {
	return changed("remove coordinator", id, r.raft.RemoveServer(raft.ServerID(id), 0, changeWait))
}

func changed(what string, id jobs.NodeID, f raft.Future) error {
	if err := f.Error(); err != nil {
		return fmt.Errorf("%s %s: %w", what, id.Short(), err)
	}
	return nil
}

// TransferTo hands leadership to a voter.
func (r *Replica) TransferTo(id jobs.NodeID) error {
	for _, v := range r.Voters() {
		if v.Node == id {
			return r.raft.LeadershipTransferToServer(raft.ServerID(id), Address(id, v.Address)).Error()
		}
	}
	return fmt.Errorf("transfer leadership: %s does not vote", id.Short())
}

// Applied is the index of the last command that is in the state.
func (r *Replica) Applied() uint64 { return r.fsm.applied() }

// TransferLeadership hands leadership to another voter, if there is one.
func (r *Replica) TransferLeadership() error { return r.raft.LeadershipTransfer().Error() }

// Snapshot writes one now.
func (r *Replica) Snapshot() error { return r.raft.Snapshot().Error() }

// Close stops the replica; the log stays on disk.
func (r *Replica) Close() error {
	err := r.raft.Shutdown().Error()
	r.end()
	r.told.Wait()
	// raft answers heartbeats on the transport's goroutines, also after it was shut
	// down, and panics where it cannot write a newer term.
	r.cfg.Transport.SetHeartbeatHandler(nil)
	return errors.Join(err, r.logs.Close())
}
