package sdk

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/problem"
)

const (
	// callTime bounds one try, so that a coordinator that hangs costs no more.
	callTime   = 5 * time.Second
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
)

// call makes a unary call until a coordinator answers it or the patience ends.
func call[Resp any](ctx context.Context, g *Grid, what string, try func(context.Context) (Resp, error)) (Resp, error) {
	var resp Resp
	err := g.persist(ctx, what, func(ctx context.Context, _ func()) error {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		var err error
		resp, err = try(ctx)
		return err
	})
	return resp, err
}

// persist runs try until it succeeds, fails for good, or has failed for want of
// a coordinator for as long as the patience lasts. A try that makes progress
// calls alive, which renews the patience.
func (g *Grid) persist(ctx context.Context, what string, try func(ctx context.Context, alive func()) error) error {
	return g.persistUntold(ctx, silenceTold, what, try)
}

// persistUntold is persist where it is no news that nobody answers for some time.
func (g *Grid) persistUntold(ctx context.Context, untold time.Duration, what string, try func(ctx context.Context, alive func()) error) error {
	var failing time.Time
	pause := firstPause
	silence := &silence{grid: g, untold: untold}
	defer silence.end()
	alive := func() {
		failing, pause = time.Time{}, firstPause
		silence.end()
	}
	for {
		silence.begin()
		err := try(ctx, alive)
		if err == nil || errors.Is(err, errStopped) {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
		if !retryable(err) {
			return fmt.Errorf("%s: %w", what, problem.FromStatus(err))
		}
		if failing.IsZero() {
			failing = time.Now()
		}
		if time.Since(failing) >= g.patience {
			return g.unavailable(what, err)
		}
		g.logger.Debug("failed to reach a coordinator, trying again", "what", what, "pause", pause, "error", err)
		sleep(ctx, pause/2+rand.N(pause/2))
		pause = min(2*pause, maxPause)
	}
}

// retryable errors say that this coordinator could not answer now, or wants to be asked
// more slowly. Repeating is safe: every mutation has a request_id.
func retryable(err error) bool {
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded || problem.Reason(err) == problem.TooFast
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// unavailable is the error when the patience has ended.
func (g *Grid) unavailable(what string, err error) error {
	readable := problem.FromStatus(err)
	if problem.Next(readable) != "" {
		return fmt.Errorf("%s: %w", what, readable)
	}
	return problem.Unavailable("check that one of them runs and can be reached from here",
		"%s: no coordinator could answer for %s (tried %s): %w",
		what, g.patience.Round(time.Millisecond), strings.Join(g.conn.Known(), ", "), readable)
}
