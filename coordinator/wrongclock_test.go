package coordinator

import (
	"context"
	"encoding/hex"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// timed is a coordinator whose machine's clock can be set.
type timed struct {
	*Coordinator
	off atomic.Int64 // how far the clock is ahead of the right time
	log sharedLog
}

// runTimed runs a coordinator until the test ends.
func runTimed(t *testing.T, cfg Config, off time.Duration) *timed {
	t.Helper()
	c := &timed{}
	c.off.Store(int64(off))
	cfg.Dir, cfg.Listen, cfg.Logger = t.TempDir(), "127.0.0.1:0", slog.New(slog.NewTextHandler(&c.log, nil))
	cfg.clock = func() time.Time { return time.Now().Add(time.Duration(c.off.Load())) }
	var err error
	if c.Coordinator, err = New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// token lets nodes in for an hour of the grid's time.
func (c *timed) token(t *testing.T) (text string, id jobs.TokenID) {
	t.Helper()
	token, err := identity.NewToken(identity.Fingerprint(c.base.Identity.Newest()), jobs.Coordinator, []string{c.Address()})
	if err != nil {
		t.Fatal(err)
	}
	hash := token.Hash()
	id = jobs.TokenID(hex.EncodeToString(hash[:]))
	create := jobs.CreateToken{Token: id, Role: jobs.Coordinator, Uses: 2, Expires: c.replica.Now().Add(time.Hour), Owner: jobs.OperatorOwner}
	if out, err := c.desk.Propose(t.Context(), jobs.Command{CreateToken: &create}); err != nil || out.Rejection != nil {
		t.Fatal(err, out.Rejection)
	}
	return token.String(), id
}

// leading waits until one of the coordinators leads and three vote.
func leading(t *testing.T, not *timed, all ...*timed) (leader *timed) {
	t.Helper()
	voter.Until(t, "another leads", func() bool {
		i := slices.IndexFunc(all, func(c *timed) bool { return c != not && c.desk.Leading() })
		if i >= 0 {
			leader = all[i]
		}
		return i >= 0 && len(leader.replica.Voters()) == len(all)
	})
	return leader
}

// TestALeaderWithAWrongClockGivesWay: a leap of a month, either way, moves the grid's time
// by less than a second, and another leads.
func TestALeaderWithAWrongClockGivesWay(t *testing.T) {
	t.Parallel()
	const month = 30 * 24 * time.Hour
	first := runTimed(t, Config{Bootstrap: true}, 0)
	voter.Until(t, "it leads", first.desk.Leading)
	join, _ := first.token(t)
	// What joins with a wrong clock votes like the others.
	all := []*timed{first, runTimed(t, Config{Token: join}, -25*time.Hour), runTimed(t, Config{Token: join}, 0)}
	leader := leading(t, nil, all...)
	for _, leap := range []time.Duration{month, -month} {
		all[1].off.Store(0)
		_, token := leader.token(t)
		leader = awaitGivingWay(t, leap, all...)
		begun := time.Now()
		leader.token(t) // something that moves the time of the state
		leader.replica.View(func(s *jobs.State) {
			now := s.Now.Std()
			if now.Before(begun.Add(-time.Second)) || now.After(time.Now().Add(time.Second)) {
				t.Errorf("after a leap of %v the grid's time is %v behind", leap, time.Since(now))
			}
			if known := s.Tokens[token]; known == nil || known.Expires <= s.Now {
				t.Errorf("a leap of %v ended a token", leap)
			}
		})
	}
}

// awaitGivingWay sets the leader's clock and waits until it has given way. On a busy
// machine it may lose its lead before it looks; then the next one's clock is set.
func awaitGivingWay(t *testing.T, leap time.Duration, all ...*timed) *timed {
	t.Helper()
	for range 5 {
		was := leading(t, nil, all...)
		was.off.Store(int64(leap))
		next := leading(t, was, all...)
		was.off.Store(0)
		if strings.Contains(was.log.String(), "this coordinator gives way: this machine's clock is "+enrol.Skew(leap).String()) {
			return next
		}
	}
	t.Fatalf("no leader gave way whose clock leapt by %v", leap)
	return nil
}
