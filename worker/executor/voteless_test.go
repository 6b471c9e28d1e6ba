package executor

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/swarm"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestOnlyOthersStarveAnAttempt: a worker must not put trouble of its own down to them.
func TestOnlyOthersStarveAnAttempt(t *testing.T) {
	const lost, starved = anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST, anthillv1.AttemptStatus_ATTEMPT_STATUS_STARVED
	for _, c := range []struct {
		err  error
		want anthillv1.AttemptStatus
	}{
		{swarm.ErrUnavailable, starved},
		{context.DeadlineExceeded, starved},
		{blobstore.ErrFull, lost},
		{swarm.ErrClosed, lost},
		{errors.New("the monthly volume is used up"), lost},
		{errors.New("this worker counts fuel by rules 1"), lost},
	} {
		r := Unready(&anthillv1.Lease{Id: 7}, fmt.Errorf("fetch: %w", c.err))
		if r.GetStatus() != c.want || r.GetLease() != 7 || r.GetReason() == "" {
			t.Errorf("%v: reported %v", c.err, r)
		}
	}
}
