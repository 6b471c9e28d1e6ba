package coordinator

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// describeEvery is how often the leader asks the other coordinators to describe
	// themselves.
	describeEvery = time.Second
	// describeWait is how long each is given, and hasteWait at the beginning of a
	// term, when workers wait.
	describeWait = 900 * time.Millisecond
	hasteWait    = 300 * time.Millisecond
	// clockWait is how long a new leader waits until another says what time it is.
	clockWait = 3 * time.Second
)

// described is what a coordinator said of itself.
type described struct {
	node    jobs.NodeID
	last    jobs.Version  // the newest rules that it can apply; zero: it did not say
	ahead   time.Duration // the time that it believes, of that which this one does
	off     time.Duration // its machine's clock, of the same
	applied uint64        // the last entry of the log that is in its state; zero: it did not say
	release string
	disk    disk
	// reading are jobs whose results somebody reads there, and seen nodes that are there
	// and of which the state has not noted it. Both only if it was asked for them.
	reading []jobs.JobID
	seen    []jobs.NodeID
	// compared is what it has of the state, at the last places where that was compared.
	compared []replica.Compared
}

// disk is how much of a coordinator's disk is free, and how large it is, in bytes.
type disk struct{ free, size uint64 }

// survey asks the voters from time to time, while this coordinator leads.
func (c *Coordinator) survey(ctx context.Context) {
	var way giving
	ticker := time.NewTicker(describeEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := c.heedVoters(ctx, describeWait); err != nil && !errors.Is(err, errUnheard) && ctx.Err() == nil {
				c.cfg.Logger.Warn("failed to raise the version of the rules", "error", err)
			}
			c.giveWay(&way, time.Now())
		case <-ctx.Done():
			return
		}
	}
}

// errUnheard: no other coordinator has said what time it is.
var errUnheard = errors.New("no other coordinator answers")

// heedFirst is heedVoters at the beginning of a term: before anything is decided, another
// should have said what time it is, since this machine's clock may be wrong and time in
// the state never goes back.
func (c *Coordinator) heedFirst(ctx context.Context) error {
	for end := time.Now().Add(clockWait); ; {
		err := c.heedVoters(ctx, hasteWait)
		if !errors.Is(err, errUnheard) {
			return err
		}
		if time.Now().After(end) {
			c.cfg.Logger.Warn("nobody confirms this machine's clock: the grid's time follows it", "error", err)
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// heedVoters sets the clock by those of all coordinators, notes which of them answer, and
// brings the newest rules that every one of them can apply into force.
func (c *Coordinator) heedVoters(ctx context.Context, wait time.Duration) error {
	voters := c.askVoters(ctx, wait, false)
	var ahead []time.Duration
	last := jobs.LastVersion
	for _, v := range voters {
		last = min(last, v.last)
		if v.last != 0 {
			ahead = append(ahead, v.ahead)
		}
	}
	c.replica.HeedClocks(ahead)
	c.book.note(voters, c.replica.Applied(), time.Now())
	c.judgeStates(voters)
	raise := false
	c.replica.View(func(s *jobs.State) { raise = s.Version() < last })
	switch {
	case len(ahead) == 0 && len(c.replica.Voters()) > 1:
		return errUnheard
	case !raise:
		return nil
	}
	_, err := c.replica.Propose(ctx, jobs.Command{At: c.replica.Now(), Raise: &jobs.RaiseVersion{Version: last}})
	if err == nil {
		c.cfg.Logger.Info("newer rules are in force: coordinators of an older version can no longer vote", "version", last)
	}
	return err
}

// askVoters asks all members of the raft group but this one, side by side; with census also
// who is there. Silent ones, and those too old to be asked, are in the answer without a
// version.
func (c *Coordinator) askVoters(ctx context.Context, wait time.Duration, census bool) []described {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var others []replica.Voter
	for _, v := range c.replica.Servers() {
		if v.Node != c.base.Identity.Node() {
			others = append(others, v.Voter)
		}
	}
	list := make([]described, len(others))
	var asked sync.WaitGroup
	for i, v := range others {
		asked.Go(func() {
			var err error
			if list[i], err = c.describe(ctx, v, census); err != nil {
				c.cfg.Logger.Debug("failed to ask a voter to describe itself", "node", v.Node.Short(), "error", err)
				list[i] = described{node: v.Node}
			}
		})
	}
	asked.Wait()
	return list
}

// describe takes a voter's clock to have been read half way through the call.
func (c *Coordinator) describe(ctx context.Context, v replica.Voter, census bool) (described, error) {
	conn, err := c.voters.Dial(v.Address)
	if err != nil {
		return described{}, err
	}
	began := time.Now()
	resp, err := anthillv1.NewCoordinatorServiceClient(conn).Describe(ctx, &anthillv1.DescribeRequest{Census: census, Agreed: c.agreed()})
	if err != nil {
		return described{}, fmt.Errorf("describe %s: %w", v.Node.Short(), err)
	}
	if id := jobs.NodeID(resp.GetNodeId()); id != "" && id != v.Node {
		return described{}, fmt.Errorf("describe %s: at %s is %s now", v.Node.Short(), v.Address, id.Short())
	}
	theirs := jobs.TimeOf(resp.GetTime().AsTime()).Add(time.Since(began) / 2)
	ahead := time.Duration(theirs-c.replica.Wall()) * time.Millisecond
	d := described{
		node: v.Node, last: jobs.Version(min(resp.GetLastVersion(), uint32(jobs.LastVersion))),
		ahead: ahead, off: ahead + resp.GetClockAhead().AsDuration(),
		applied: resp.GetAppliedIndex(), release: resp.GetRelease(), disk: disk{resp.GetDiskFree(), resp.GetDiskSize()},
	}
	for _, s := range resp.GetCompared() {
		if hash := s.GetHash(); len(hash) == sha256.Size {
			d.compared = append(d.compared, replica.Compared{Index: s.GetIndex(), Hash: [sha256.Size]byte(hash)})
		}
	}
	for _, id := range resp.GetReading() {
		d.reading = append(d.reading, jobs.JobID(id))
	}
	for _, id := range resp.GetSeen() {
		d.seen = append(d.seen, jobs.NodeID(id))
	}
	return d, nil
}
