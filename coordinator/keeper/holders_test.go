package keeper

import (
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
)

func TestProvidersThatAreAliveComeFirst(t *testing.T) {
	members := map[jobs.NodeID]membership.Member{
		"dead": {Node: "dead", Address: "dead:1", Status: membership.Failed},
		"here": {Node: "here", Address: "here:1", Status: membership.Alive},
	}
	s := jobs.NewState()
	s.Nodes["silent"] = &jobs.Node{Address: "silent:1"}
	s.Nodes["nowhere"] = &jobs.Node{}
	var got []string
	for _, p := range providers(s, members, []jobs.NodeID{"dead", "silent", "nowhere", "unknown", "here"}) {
		got = append(got, p.Address)
		if string(p.Node)+":1" != p.Address {
			t.Errorf("whoever answers at %s is told what the result of %s is", p.Address, p.Node)
		}
	}
	if want := []string{"here:1", "dead:1", "silent:1"}; !slices.Equal(got, want) {
		t.Errorf("providers %v, want %v", got, want)
	}
}
