package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/sdk"
)

func TestSources(t *testing.T) {
	tests := []struct {
		workers, others, coordinators int64
		want                          string
	}{
		{0, 0, 0, ""},
		{0, 0, 5, ", 100 % from coordinators"},
		{52, 8, 40, ", 40 % from coordinators, 52 % from workers, 8 % from other members"},
		{0, 3, 0, ", 100 % from other members"},
	}
	for _, tt := range tests {
		p := sdk.FetchProgress{FromWorkers: tt.workers, FromPeers: tt.workers + tt.others, FromCoordinators: tt.coordinators}
		if got := sources(p); got != tt.want {
			t.Errorf("%+v: got %q", tt, got)
		}
	}
}

// TestTransferViewSaysWhatItWaitsFor before it is known how large a blob is.
func TestTransferViewSaysWhatItWaitsFor(t *testing.T) {
	var out strings.Builder
	v := newTransferView(&out)
	v.show(sdk.FetchProgress{})
	if out.Len() > 0 {
		t.Errorf("at once it says %q", out.String())
	}
	v.told = time.Now().Add(-linePause)
	v.show(sdk.FetchProgress{})
	v.told = time.Now().Add(-linePause)
	v.show(sdk.FetchProgress{Size: 4, Have: 1})
	if !strings.HasPrefix(out.String(), "looking for who has it\n1 B of 4 B, ") {
		t.Errorf("it says %q", out.String())
	}
}
