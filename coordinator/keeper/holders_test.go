package keeper

import (
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

func TestProvidersThatAreHeardOfComeFirst(t *testing.T) {
	known := map[jobs.NodeID]string{"here": "here:1", "back": "back:1"}
	s := jobs.NewState()
	s.Nodes["silent"] = &jobs.Node{Address: "silent:1"}
	s.Nodes["here"] = &jobs.Node{Address: "where it enrolled:1"}
	s.Nodes["nowhere"] = &jobs.Node{}
	var got []string
	for _, p := range providers(s, known, []jobs.NodeID{"silent", "nowhere", "unknown", "back", "here"}) {
		got = append(got, p.Address)
		if string(p.Node)+":1" != p.Address {
			t.Errorf("whoever answers at %s is told what the result of %s is", p.Address, p.Node)
		}
	}
	if want := []string{"back:1", "here:1", "silent:1"}; !slices.Equal(got, want) {
		t.Errorf("providers %v, want %v", got, want)
	}
}
