package swarm

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// A peer that was away for a long time is reached soon after it is back.
func TestPeerThatIsAwayIsTriedOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Time
		pool := newPool(insecure.NewCredentials())
		pool.options = []grpc.DialOption{grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			if end, _ := ctx.Deadline(); time.Until(end) != connectTime {
				t.Errorf("one try takes %v", time.Until(end))
			}
			tries = append(tries, time.Now())
			return nil, errors.New("nobody is there")
		})}
		conn, err := pool.Dial(t.Context(), Provider{Address: "10.0.0.1:1"})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		if _, err := anthillv1.NewPieceServiceClient(conn).Exchange(ctx, grpc.WaitForReady(true)); err == nil {
			t.Error("a peer that is away answers")
		}
		_ = pool.Close()
		for k, at := range append(tries[1:], time.Now()) {
			if gap := at.Sub(tries[k]); gap > retryWithin*3/2 {
				t.Errorf("it is not tried for %v", gap)
			}
		}
	})
}
