package sdk

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestListsAreWalkedPageByPage(t *testing.T) {
	fake := fakegrid.Start(t, 2)
	grid := connect(t, fake, 5*time.Second)
	var want []string
	for i := range 7 {
		fake.AddJob(fmt.Sprint("j", i), 1)
		want = append([]string{fmt.Sprint("j", i)}, want...)
	}
	for _, size := range []uint32{0, 1, 3, 7} {
		var got []string
		for j, err := range grid.EachJob(t.Context(), &anthillv1.ListJobsRequest{PageSize: size}) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, j.GetId()); len(got) == 3 {
				fake.Kill(0) // the next page comes from another
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pages of %d: %v, want %v", size, got, want)
		}
	}
	for range grid.EachJob(t.Context(), nil) {
		break // and asks no more
	}
	fake.Kill(1)
	grid.patience = 300 * time.Millisecond
	n := 0
	for _, err := range grid.EachJob(t.Context(), nil) {
		if n++; err == nil || n > 1 {
			t.Errorf("without coordinators: %v", err)
		}
	}
}
