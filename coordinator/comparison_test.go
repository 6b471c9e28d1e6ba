package coordinator

import (
	"testing"

	"github.com/anthill-grid/anthill/coordinator/replica"
)

func TestWhatMostHaveIsRight(t *testing.T) {
	at := func(index uint64, hash byte) replica.Compared {
		return replica.Compared{Index: index, Hash: [32]byte{hash}}
	}
	type list = []replica.Compared
	for name, c := range map[string]struct {
		own    list
		others []list
		want   verdict
		known  bool
	}{
		"nobody else":                     {own: list{at(1, 1)}},
		"others know nothing":             {own: list{at(1, 1)}, others: []list{nil, {}}},
		"nothing in common":               {own: list{at(1, 1)}, others: []list{{at(2, 1)}}},
		"three alike":                     {list{at(1, 1)}, []list{{at(1, 1)}, {at(1, 1)}}, verdict{at(1, 1), false, true}, true},
		"another is odd":                  {list{at(1, 1)}, []list{{at(1, 2)}, {at(1, 1)}}, verdict{at(1, 1), true, true}, true},
		"this one is odd":                 {list{at(1, 1)}, []list{{at(1, 2)}, {at(1, 2)}}, verdict{at(1, 2), true, true}, true},
		"two who differ":                  {list{at(1, 1)}, []list{{at(1, 2)}, nil}, verdict{at(1, 1), true, false}, true},
		"two alike":                       {list{at(1, 1)}, []list{{at(1, 1)}}, verdict{at(1, 1), false, false}, true},
		"three of whom each is another":   {list{at(1, 1)}, []list{{at(1, 2)}, {at(1, 3)}}, verdict{at(1, 1), true, false}, true},
		"the newest in common counts":     {list{at(1, 1), at(2, 1), at(3, 1)}, []list{{at(1, 9), at(2, 1)}}, verdict{at(2, 1), false, false}, true},
		"four of whom half has something": {list{at(1, 1)}, []list{{at(1, 1)}, {at(1, 2)}, {at(1, 2)}}, verdict{at(1, 1), true, false}, true},
	} {
		v, known := judge(c.own, c.others)
		if known != c.known || v.differ != c.want.differ || v.most != c.want.most || v.most && v.Compared != c.want.Compared || v.Index != c.want.Index {
			t.Errorf("%s: %+v, %v; want %+v", name, v, known, c.want)
		}
	}
}
