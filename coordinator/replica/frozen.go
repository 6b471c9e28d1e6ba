package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

const (
	// frozenAfter is how long one write may take. A disk that takes longer is held to be
	// frozen, and others lead until it is not.
	frozenAfter = 1500 * time.Millisecond
	// tryDiskEvery is how often a leader writes something, should nobody else do.
	tryDiskEvery = time.Second
)

// ErrFrozen: this coordinator's disk does not take writes, and does not refuse them.
var ErrFrozen = errors.New("this coordinator's disk is frozen: a write takes longer than 1.5 s")

// disk knows whether writes hang. A leader whose disk is frozen would stay so for ever:
// raft's main loop waits for the disk, and its heartbeats go on beside.
type disk struct {
	logger *slog.Logger

	mu      sync.Mutex
	hanging int           // writes that take too long
	frozen  chan struct{} // closed while there are some
	changed chan struct{} // has something when frozen began or ended
}

func newDisk(logger *slog.Logger) *disk {
	return &disk{logger: logger, frozen: make(chan struct{}), changed: make(chan struct{}, 1)}
}

// begin is called before a write, and what it returns after it.
func (d *disk) begin() (end func()) {
	timer := time.AfterFunc(frozenAfter, func() { d.hang(1) })
	return func() {
		if !timer.Stop() {
			d.hang(-1)
		}
	}
}

func (d *disk) hang(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.hanging
	d.hanging += n
	switch {
	case before <= 0 && d.hanging > 0:
		d.logger.Warn("the disk is frozen: a write takes too long; another coordinator is to lead meanwhile")
		close(d.frozen)
	case before > 0 && d.hanging <= 0:
		d.logger.Warn("the disk takes writes again")
		d.frozen = make(chan struct{})
	default:
		return
	}
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// whileFrozen is closed while the disk is.
func (d *disk) whileFrozen() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.frozen
}

func (d *disk) err() error {
	select {
	case <-d.whileFrozen():
		return ErrFrozen
	default:
		return nil
	}
}

// try writes something to the file.
func (d *disk) try(path string) error {
	defer d.begin()()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, time.Now().Unix())
	return errors.Join(err, f.Sync(), f.Close())
}

// watchedLog is raft's log, with an eye on its writes.
type watchedLog struct {
	*wal.WAL
	disk *disk
	hold func() // for tests: a write waits here
}

// StoreLog implements raft.LogStore.
func (l watchedLog) StoreLog(entry *raft.Log) error { return l.StoreLogs([]*raft.Log{entry}) }

// StoreLogs implements raft.LogStore.
func (l watchedLog) StoreLogs(entries []*raft.Log) error {
	defer l.disk.begin()()
	if l.hold != nil {
		l.hold()
	}
	return l.WAL.StoreLogs(entries)
}

// mutedTransport says nothing to followers while the disk is frozen, so that they elect
// another.
type mutedTransport struct {
	Transport
	disk *disk
}

// AppendEntries implements raft.Transport.
func (t mutedTransport) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	if err := t.disk.err(); err != nil {
		return err
	}
	return t.Transport.AppendEntries(id, target, args, resp)
}

// AppendEntriesPipeline implements raft.Transport.
func (t mutedTransport) AppendEntriesPipeline(id raft.ServerID, target raft.ServerAddress) (raft.AppendPipeline, error) {
	p, err := t.Transport.AppendEntriesPipeline(id, target)
	return mutedPipeline{p, t.disk}, err
}

type mutedPipeline struct {
	raft.AppendPipeline
	disk *disk
}

// AppendEntries implements raft.AppendPipeline.
func (p mutedPipeline) AppendEntries(args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) (raft.AppendFuture, error) {
	if err := p.disk.err(); err != nil {
		return nil, err
	}
	return p.AppendPipeline.AppendEntries(args, resp)
}

// WhileFrozen is closed while the disk does not take writes.
func (r *Replica) WhileFrozen() <-chan struct{} { return r.disk.whileFrozen() }

// Frozen says why nothing can be written here, nil if it can.
func (r *Replica) Frozen() error { return r.disk.err() }

// await asks raft for something and waits for it, but not for a disk that is frozen: raft
// may not even take up what it is asked for then.
func (r *Replica) await(ctx context.Context, ask func() raft.Future) error {
	done := make(chan error, 1)
	go func() { done <- ask().Error() }()
	select {
	case err := <-done:
		if err != nil {
			return raftError(err)
		}
		return nil
	case <-r.disk.whileFrozen():
		return fmt.Errorf("%w (%w)", ErrUnknown, ErrFrozen)
	case <-ctx.Done():
		return fmt.Errorf("propose: %w", ctx.Err())
	}
}

// tellLeadership passes on what raft says, and that a leader whose disk is frozen is none,
// until ctx ends.
func (r *Replica) tellLeadership(ctx context.Context) {
	tell := func(leads bool) {
		select {
		case r.leads <- leads:
		case <-ctx.Done():
		}
	}
	leads := false
	ticker := time.NewTicker(tryDiskEvery)
	defer ticker.Stop()
	trying := make(chan struct{}, 1)
	for {
		select {
		case leads = <-r.raft.LeaderCh():
			tell(leads && r.disk.err() == nil)
		case <-r.disk.changed:
			if leads {
				tell(r.disk.err() == nil)
			}
		case <-ticker.C:
			if !leads || len(trying) > 0 {
				continue
			}
			trying <- struct{}{}
			go func() {
				defer func() { <-trying }()
				if err := r.disk.try(filepath.Join(r.cfg.Dir, "alive")); err != nil {
					r.cfg.Logger.Debug("failed to write", "error", err)
				}
			}()
		case <-ctx.Done():
			return
		}
	}
}
