package portmap

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"
)

// fixed gives a port for so long.
type fixed time.Duration

func (f fixed) open(context.Context) (lease, error) { return lease{life: time.Duration(f)}, nil }
func (f fixed) close(context.Context) error         { return nil }

// A machine that has no home around it asks nobody.
func TestNobodyIsAskedOutsideOfHomes(t *testing.T) {
	if _, err := openAt(t.Context(), netip.MustParseAddr("127.0.0.1"), netip.MustParseAddrPort("127.0.0.1:7000")); !errors.Is(err, ErrNoRouter) {
		t.Errorf("on this machine: %v", err)
	}
}
