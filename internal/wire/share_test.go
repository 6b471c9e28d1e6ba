package wire

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/jobs"
)

func TestSharesSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := jobs.Prob(rapid.Int64Range(0, int64(jobs.One)-1).Draw(t, "p"))
		if got, err := ShareFromProto("prior", ShareToProto(p)); err != nil || got != p {
			t.Errorf("got %v, %v, want %v", got, err, p)
		}
	})
}
