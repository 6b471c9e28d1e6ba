package coordinator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/inside"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// unledAfter is for how long a follower may hear nothing of its leader.
	unledAfter = 5 * time.Second
	// laggingAt is how many committed entries a coordinator may have yet to apply.
	laggingAt = 4096
	// readyEvery is how often the health service is told whether this coordinator is ready.
	readyEvery = time.Second
)

// Ready implements inside.Subject.
func (c *Coordinator) Ready() []inside.Check {
	return []inside.Check{
		{Name: "leader", Err: c.hasLeader()}, {Name: "log", Err: c.logMoves()},
		{Name: "disk", Err: c.diskTakes()}, {Name: "clock", Err: c.clockRight()},
	}
}

func (c *Coordinator) hasLeader() error {
	if _, _, ok := c.replica.Leader(); !ok {
		return desk.ErrNoLeader
	}
	return nil
}

// logMoves says whether this coordinator would apply what is decided.
func (c *Coordinator) logMoves() error {
	p := c.replica.Progress()
	switch behind := p.Committed - min(p.Committed, p.Applied); {
	case p.Leads && !c.desk.Leading():
		return errors.New("this coordinator has been elected and does not lead yet")
	case !p.Leads && p.Contact > unledAfter:
		return fmt.Errorf("nothing was heard of the leader for %v", p.Contact.Round(time.Second))
	case behind > laggingAt:
		return fmt.Errorf("%d entries of the log are yet to be applied", behind)
	}
	return nil
}

func (c *Coordinator) diskTakes() error {
	if err := c.replica.Frozen(); err != nil {
		return err
	}
	return c.base.Store.Full()
}

func (c *Coordinator) clockRight() error {
	if off := c.replica.ClockAhead(); off.Abs() > replica.ClockTolerance {
		return errors.New(enrol.Skew(off).Advice())
	}
	return nil
}

// keepHealth tells the health service whether this coordinator is ready, until ctx ends.
func (c *Coordinator) keepHealth(ctx context.Context) {
	ticker := time.NewTicker(readyEvery)
	defer ticker.Stop()
	for {
		c.rpc.SetReady(inside.Unready(c.Ready()) == nil)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Alive implements inside.Subject: commands are applied, and the state is read.
func (c *Coordinator) Alive() { c.replica.View(func(*jobs.State) {}) }

// Pictures implements inside.Subject.
func (c *Coordinator) Pictures() map[string]any {
	pictures := map[string]any{"raft": c.replica.Stats(), "gossip": c.membership.Members()}
	if list, err := protojson.Marshal(group{c}.Coordinators()); err == nil {
		pictures["coordinators"] = json.RawMessage(list)
	}
	return pictures
}

// Collect implements inside.Subject.
func (c *Coordinator) Collect(ch chan<- prometheus.Metric) {
	c.vitals.Collect(ch)
	c.rpc.Collect(ch)
	c.base.Collect(ch)
	c.collectLog(ch)
	c.collectState(ch)
	if c.desk.Leading() {
		c.collectGroup(ch)
	}
}

func (c *Coordinator) collectLog(ch chan<- prometheus.Metric) {
	p := c.replica.Progress()
	inside.Gauge(ch, "anthill_leader", "Whether this coordinator leads.", inside.Bool(c.desk.Leading()))
	inside.Gauge(ch, "anthill_leader_known", "Whether this coordinator knows one that leads.", inside.Bool(c.hasLeader() == nil))
	inside.Gauge(ch, "anthill_leader_contact_seconds", "Since this coordinator has heard of the leader; 0 if it leads.", p.Contact.Seconds())
	inside.Gauge(ch, "anthill_log_term", "Raft's term: it grows with each election.", float64(p.Term))
	inside.Gauge(ch, "anthill_log_committed_index", "The last entry of the log that most voters have.", float64(p.Committed))
	inside.Gauge(ch, "anthill_log_applied_index", "The last entry of the log that is in the state here.", float64(p.Applied))
	inside.Gauge(ch, "anthill_log_snapshot_index", "The last entry of the log that is in a snapshot here.", float64(p.Snapshot))
	inside.Gauge(ch, "anthill_clock_ahead_seconds", "How far this machine's clock is ahead of the grid's time.", c.replica.ClockAhead().Seconds())
	inside.Gauge(ch, "anthill_disk_frozen", "Whether writes to the disk hang.", inside.Bool(c.replica.Frozen() != nil))
}

// collectState counts what is in the state, which is the same on all coordinators.
func (c *Coordinator) collectState(ch chan<- prometheus.Metric) {
	byState := map[jobs.JobState]int{jobs.JobRunning: 0, jobs.JobSucceeded: 0, jobs.JobFailed: 0, jobs.JobCancelled: 0}
	nodes := map[jobs.Role]int{}
	var tasks, accepted, failed, running int
	var now jobs.Time
	var version jobs.Version
	c.replica.View(func(s *jobs.State) {
		now, version = s.Now, s.Version()
		for _, j := range s.Jobs {
			byState[j.State]++
			accepted += j.Count
			if j.State == jobs.JobRunning {
				tasks += j.Total()
				failed += j.Failed
				running += j.Running()
			}
		}
		for _, n := range s.Nodes {
			if n.Ended == nil {
				nodes[n.Role]++
			}
		}
	})
	for state, n := range byState {
		inside.Gauge(ch, "anthill_jobs", "Jobs that the grid knows, by their state.", float64(n), "state", strings.ToLower(state.String()))
	}
	for role, n := range nodes {
		inside.Gauge(ch, "anthill_nodes", "Nodes that may take part, by what they are.", float64(n), "role", role.String())
	}
	inside.Gauge(ch, "anthill_tasks_running_jobs", "Tasks of the jobs that run.", float64(tasks))
	inside.Gauge(ch, "anthill_tasks_failed", "Tasks of the jobs that run that have failed.", float64(failed))
	inside.Gauge(ch, "anthill_tasks_accepted", "Tasks of all jobs that are known that have an accepted result.", float64(accepted))
	inside.Gauge(ch, "anthill_leases", "Attempts that are under way.", float64(running))
	inside.Gauge(ch, "anthill_grid_time_seconds", "The grid's time when something was decided last, in seconds since 1970.", float64(now)/1000)
	inside.Gauge(ch, "anthill_rules_version", "The version of the rules that are in force.", float64(version))
}

// collectGroup is what the leader knows of the others.
func (c *Coordinator) collectGroup(ch chan<- prometheus.Metric) {
	voters, alive := 0, 0
	resp := group{c}.Coordinators()
	for _, m := range resp.GetCoordinators() {
		if m.GetVoter() {
			voters++
			if m.GetAlive() {
				alive++
			}
		}
		inside.Gauge(ch, "anthill_coordinator_alive", "Whether a coordinator answers the leader.", inside.Bool(m.GetAlive()), "peer", m.GetNodeId())
		inside.Gauge(ch, "anthill_coordinator_clock_ahead_seconds", "How far a coordinator's clock is ahead of the grid's time.", m.GetClockAhead().AsDuration().Seconds(), "peer", m.GetNodeId())
		inside.Gauge(ch, "anthill_coordinator_behind", "Entries of the log that a coordinator has yet to get.", float64(m.GetBehind()), "peer", m.GetNodeId())
	}
	inside.Gauge(ch, "anthill_voters", "Coordinators that vote. Only the leader tells.", float64(voters))
	inside.Gauge(ch, "anthill_voters_alive", "Voters that answer the leader. Only the leader tells.", float64(alive))
	inside.Gauge(ch, "anthill_losses_left", "How many more voters may be lost until nothing is decided any more. Only the leader tells.", float64(resp.GetLosses()))
	inside.Gauge(ch, "anthill_workers", "Workers that are there. Only the leader tells.", float64(len(c.desk.Located())))
}
