package throttle

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/credentials/insecure"
)

// pipe is a connection whose one end is on the line.
func pipe(l *Line) (limited, free net.Conn) {
	a, b := net.Pipe()
	return l.wrap(a), b
}

const mega = 1 << 20

func TestRatesHold(t *testing.T) {
	for name, send := range map[string]func(limited, free net.Conn) (from, to net.Conn){
		"up":   func(limited, free net.Conn) (net.Conn, net.Conn) { return limited, free },
		"down": func(limited, free net.Conn) (net.Conn, net.Conn) { return free, limited },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				line := New(Limits{Up: mega, Down: mega}, nil)
				from, to := send(pipe(line))
				began := time.Now()
				go func() {
					_, _ = from.Write(make([]byte, 10*mega))
					_ = from.Close()
				}()
				n, err := io.Copy(io.Discard, to)
				took := time.Since(began)
				if err != nil || n != 10*mega || took < 9*time.Second || took > 11*time.Second {
					t.Errorf("%d bytes in %v, %v", n, took, err)
				}
				_ = to.Close()
			})
		})
	}
}

func TestConnectionsShareFairly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := New(Limits{Up: mega}, nil)
		got := [2]int64{}
		var all sync.WaitGroup
		for k := range got {
			from, to := pipe(line)
			all.Go(func() { _, _ = from.Write(make([]byte, 100*mega)) })
			all.Go(func() { got[k], _ = io.Copy(io.Discard, to) })
			time.AfterFunc(10*time.Second, func() {
				_ = from.Close()
				_ = to.Close()
			})
		}
		all.Wait()
		if d := got[0] - got[1]; d > mega/2 || d < -mega/2 || got[0] < 4*mega {
			t.Errorf("one sent %d bytes and the other %d in the same time", got[0], got[1])
		}
	})
}

func TestCloseEndsWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from, to := pipe(New(Limits{Up: 1}, nil))
		go func() { _, _ = io.Copy(io.Discard, to) }()
		time.AfterFunc(time.Second, func() { _ = from.Close() })
		if _, err := from.Write(make([]byte, mega)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v", err)
		}
		_ = to.Close()
	})
}

func TestNoLimitsNoWrapping(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	if New(Limits{Peers: 1}, nil).Listen(inner) != inner {
		t.Error("a listener is wrapped for nothing")
	}
	if creds := insecure.NewCredentials(); New(Limits{}, nil).Credentials(creds, nil) != creds {
		t.Error("credentials are wrapped for nothing")
	}
	if (Limits{Up: -1}).Validate() == nil {
		t.Error("a rate below 0 is valid")
	}
}
