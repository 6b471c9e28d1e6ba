package rpc

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestTheOperatorHearsOfAWrongClock(t *testing.T) {
	grid := time.Date(2026, 11, 29, 18, 0, 0, 0, time.UTC)
	for clock, want := range map[string]string{
		"2026-11-28T17:00:00Z": `clock="25 h behind the grid's"`,
		"2026-11-30T19:00:00Z": `clock="25 h ahead of the grid's"`,
		"1970-01-01T00:00:05Z": `clock="57 years behind the grid's"`,
		"2026-11-29T18:00:20Z": "",
		"":                     "", // a node of an earlier version
	} {
		var log strings.Builder
		s := &Server{cfg: Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}}
		req := &anthillv1.EnrolRequest{}
		if at, err := time.Parse(time.RFC3339, clock); err == nil {
			req.Time = timestamppb.New(at)
		}
		s.heedClock("0123456789abcdef", jobs.Worker, req, grid)
		if got := log.String(); want == "" && got != "" || !strings.Contains(got, want) || want != "" && !strings.Contains(got, "node=01234567 role=worker") {
			t.Errorf("%s: it logs %q, want %s", clock, got, want)
		}
	}
}
