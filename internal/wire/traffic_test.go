package wire

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestTrafficSurvivesTheWire(t *testing.T) {
	bytes := rapid.Int64Range(0, math.MaxInt64)
	rapid.Check(t, func(t *rapid.T) {
		traffic := jobs.Traffic{FromSubmitter: bytes.Draw(t, "s"), FromCoordinators: bytes.Draw(t, "c"), FromWorkers: bytes.Draw(t, "w")}
		if got := TrafficFromProto(sent(t, TrafficToProto(traffic))); got != traffic {
			t.Errorf("got %+v, want %+v", got, traffic)
		}
	})
}

func TestTrafficIsNeverNegative(t *testing.T) {
	if got := TrafficFromProto(&anthillv1.Traffic{FromSubmitter: -1, FromCoordinators: -2, FromWorkers: -3}); got != (jobs.Traffic{}) {
		t.Errorf("got %+v", got)
	}
}
