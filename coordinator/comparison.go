package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Replicas apply the same log and so have the same state, unless a machine's memory or disk
// is broken, or a version of the program has another rule than it says. The leader has them
// all hash the same part of it now and then, and asks each for its hash when it asks it to
// describe itself. What most have is right; who has something else must not vote.

// compareEvery is how often, while anything is written.
const compareEvery = 15 * time.Second

// states is what is known of how this replica and others compare.
type states struct {
	mu     sync.Mutex
	agreed *anthillv1.ComparedState // what most have; nil: not known
	told   uint64                   // the last place of a difference that was told of
	odd    chan error               // has why this one ends
}

// compareStates has all replicas compare a part of their states from time to time.
func (c *Coordinator) compareStates(ctx context.Context) {
	ticker := time.NewTicker(compareEvery)
	defer ticker.Stop()
	for last := uint64(0); ; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		able, parts := false, uint32(0)
		c.replica.View(func(s *jobs.State) { able, parts = s.Version() >= jobs.VersionYears, s.Parts() })
		if !able || c.replica.Applied() <= last {
			continue
		}
		ask := jobs.CompareStates{Part: rand.Uint32N(parts), Parts: parts}
		if _, err := c.desk.Propose(ctx, jobs.Command{Compare: &ask}); err != nil {
			c.cfg.Logger.Debug("failed to compare states", "error", err)
			continue
		}
		last = c.replica.Applied()
	}
}

// judgeStates looks whether the coordinators have the same state.
func (c *Coordinator) judgeStates(others []described) {
	own := c.replica.Compared()
	var lists [][]replica.Compared
	for _, o := range others {
		lists = append(lists, o.compared)
	}
	v, known := judge(own, lists)
	if !known {
		return
	}
	c.states.mu.Lock()
	c.states.agreed = nil
	if v.most {
		c.states.agreed = comparedToProto(v.Compared)
	}
	tell := v.differ && c.states.told != v.Index
	if tell {
		c.states.told = v.Index
	}
	c.states.mu.Unlock()
	if tell {
		c.cfg.Logger.Error("the coordinators' states differ", "index", v.Index, "next", v.next())
	}
	c.group().HeedAgreed(c.agreed())
}

func (c *Coordinator) group() group { return group{c} }

// agreed is what most coordinators have of the state, and where; nil: that is not known.
func (c *Coordinator) agreed() *anthillv1.ComparedState {
	c.states.mu.Lock()
	defer c.states.mu.Unlock()
	return c.states.agreed
}

// verdict is what a comparison showed.
type verdict struct {
	replica.Compared      // what most have, or as many as have something else
	differ           bool // not all have it
	most             bool // of three or more who were asked, most have it
}

func (v verdict) next() string {
	if v.most {
		return "who has another state than most ends, and says what to do"
	}
	return "of two nobody can say who is right: stop both, compare what `anthill coordinator results` and backups say, and remove the one that is wrong"
}

// judge compares at the newest place that this replica and another have in common.
func judge(own []replica.Compared, others [][]replica.Compared) (v verdict, known bool) {
	for i := len(own) - 1; i >= 0; i-- {
		counts, asked := map[replica.Compared]int{own[i]: 1}, 1
		for _, list := range others {
			for _, theirs := range list {
				if theirs.Index == own[i].Index {
					counts[theirs]++
					asked++
				}
			}
		}
		if asked == 1 {
			continue
		}
		best := own[i]
		for has, n := range counts {
			if n > counts[best] {
				best = has
			}
		}
		return verdict{Compared: best, differ: counts[best] < asked, most: asked >= 3 && counts[best] > asked/2}, true
	}
	return verdict{}, false
}

func comparedToProto(c replica.Compared) *anthillv1.ComparedState {
	return &anthillv1.ComparedState{Index: c.Index, Hash: c.Hash[:]}
}

// HeedAgreed implements rpc.Group: this coordinator ends where most have another state.
func (g group) HeedAgreed(m *anthillv1.ComparedState) {
	for _, own := range g.replica.Compared() {
		if own.Index == m.GetIndex() && string(own.Hash[:]) != string(m.GetHash()) {
			g.turnOdd(own.Index)
			return
		}
	}
}

// oddFile says that this coordinator's state differs, and where that showed.
func (c *Coordinator) oddFile() string { return filepath.Join(c.cfg.Dir, "differs") }

func (c *Coordinator) turnOdd(index uint64) {
	err := c.oddity(fmt.Sprint(index))
	select {
	case c.states.odd <- err:
	default:
		return // it ends already
	}
	if err := os.WriteFile(c.oddFile(), []byte(fmt.Sprintln(index)), 0o600); err != nil {
		c.cfg.Logger.Error("failed to note that this coordinator's state differs", "error", err)
	}
}

// heedOddity ends this coordinator when its state turns out to differ from that of most.
func (c *Coordinator) heedOddity(ctx context.Context) error {
	select {
	case err := <-c.states.odd:
		if c.desk.Leading() {
			if err := c.replica.TransferLeadership(); err != nil {
				c.cfg.Logger.Warn("failed to transfer leadership", "error", err)
			}
		}
		return err
	case <-ctx.Done():
		return nil
	}
}

// checkOddity refuses to start with a state that differed.
func (c *Coordinator) checkOddity() error {
	index, err := os.ReadFile(c.oddFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look whether this coordinator's state differed: %w", err)
	}
	return c.oddity(strings.TrimSpace(string(index)))
}

func (c *Coordinator) oddity(index string) error {
	id := c.base.Identity.Node().Short()
	return problem.Invalid(
		fmt.Sprintf("remove it (anthill coordinator rm %s), move %s away, look for what is wrong with this machine's memory or disk, and join again in an empty directory with a new token", id, c.cfg.Dir),
		"coordinator %s: its state differs from that of most others as of log index %s: it does not vote with it", id, index)
}
