package gridconn

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func submitter(t *testing.T, fake *fakegrid.Grid) *identity.Identity {
	t.Helper()
	dir, err := identity.Load(fake.Client(t, jobs.Submitter))
	if err != nil {
		t.Fatal(err)
	}
	return dir.Identity
}

func dial(t *testing.T, id *identity.Identity, addresses ...string) *Conn {
	t.Helper()
	c, err := Dial(id, addresses)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// list makes a call, which fails at once where there is no connection.
func list(t *testing.T, c *Conn) error {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, err := anthillv1.NewJobServiceClient(c).ListJobs(ctx, &anthillv1.ListJobsRequest{})
	return err
}

// soon repeats a call until it succeeds, and tells how often it failed.
func soon(t *testing.T, c *Conn) (failed int) {
	t.Helper()
	end := time.Now().Add(5 * time.Second)
	for list(t, c) != nil {
		if failed++; time.Now().After(end) {
			t.Fatal("no call succeeds")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return failed
}

func TestLossOfOneCoordinatorIsARepeatedCall(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 2)
	c := dial(t, submitter(t, fake), fake.Addresses()...)
	for range 10 {
		soon(t, c)
	}
	fake.Kill(0)
	soon(t, c)
	for range 10 {
		if err := list(t, c); err != nil {
			t.Errorf("a call after the loss was noticed: %v", err)
		}
	}
	fake.Restart(t, 0)
	time.Sleep(300 * time.Millisecond) // within the first reconnects
	fake.Kill(1)
	soon(t, c)
}

func TestLearn(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 2)
	both := fake.Addresses()
	c := dial(t, submitter(t, fake), both[0], both[0])
	if !slices.Equal(c.Known(), both[:1]) {
		t.Errorf("knows %v", c.Known())
	}
	if c.Learn(nil) || c.Learn(both[:1]) {
		t.Error("nothing new counts as a change")
	}
	if !c.Learn([]string{both[1], both[0], both[1]}) || c.Learn(both) {
		t.Error("another coordinator should count as a change, once")
	}
	if want := slices.Sorted(slices.Values(both)); !slices.Equal(c.Known(), want) {
		t.Errorf("knows %v, want %v", c.Known(), want)
	}
	c.Known()[0] = "changed"
	if slices.Contains(c.Known(), "changed") {
		t.Error("Known gives its own list away")
	}
	soon(t, c)
	fake.Kill(0)
	soon(t, c) // by the coordinator that it learned of
}

func TestOnlyCoordinatorsOfTheGridAreTalkedTo(t *testing.T) {
	t.Parallel()
	fake, other := fakegrid.Start(t, 1), fakegrid.Start(t, 1)
	c := dial(t, submitter(t, fake), other.Addresses()...)
	if err := list(t, c); status.Code(err) != codes.Unavailable {
		t.Errorf("call to another grid: %v", err)
	}
	if other.Calls() != 0 {
		t.Error("another grid got the call")
	}
	nowhere := dial(t, submitter(t, fake))
	if err := list(t, nowhere); err == nil {
		t.Error("a call to nobody succeeds")
	}
}

func TestPool(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	p := NewPool(submitter(t, fake))
	address := fake.Addresses()[0]
	one, err := p.Dial(address)
	if err != nil {
		t.Fatal(err)
	}
	two, err := p.Dial(address)
	if err != nil || one != two {
		t.Errorf("two connections to one coordinator, or %v", err)
	}
	soon(t, one)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := list(t, one); status.Code(err) != codes.Canceled {
		t.Errorf("call after Close: %v", err)
	}
}

// A machine that vanishes without a word must not hold up a call.
func TestSilentCoordinatorIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := dial(t, submitter(t, fake), fake.Addresses()[0], silent.Addr().String())
	soon(t, c)
	began := time.Now()
	for range 5 {
		if err := list(t, c); err != nil {
			t.Errorf("call while one coordinator is silent: %v", err)
		}
	}
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("five calls took %v", d)
	}
}
