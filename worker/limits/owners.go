package limits

import (
	"fmt"
	"slices"

	"github.com/anthill-grid/anthill/jobs"
)

// Owners are for whose jobs a worker works: for everybody's, if both lists are empty.
type Owners struct {
	Only []string // for theirs alone
	Not  []string // for all but theirs
}

// MaxOwners bounds each of the lists.
const MaxOwners = 256

// Validate says what is wrong with the lists, or nil.
func (o Owners) Validate() error {
	for _, list := range [][]string{o.Only, o.Not} {
		if len(list) > MaxOwners {
			return fmt.Errorf("%d owners: want at most %d", len(list), MaxOwners)
		}
		for _, name := range list {
			if name == "" || len(name) > jobs.MaxOwnerName || !jobs.IsPlain(name) {
				return fmt.Errorf("%.70q is not the name of an owner", name)
			}
		}
	}
	for _, name := range o.Only {
		if slices.Contains(o.Not, name) {
			return fmt.Errorf("%q: the worker would work for nobody but this owner, and not for it", name)
		}
	}
	return nil
}

// Refuses says why a worker does not work for an owner, or nil. A grid that does not say
// whose a job is may mean anybody.
func (o Owners) Refuses(owner string) error {
	switch {
	case len(o.Only) > 0 && !slices.Contains(o.Only, owner):
		return fmt.Errorf("its donor lends it to others than %q", owner)
	case slices.Contains(o.Not, owner):
		return fmt.Errorf("its donor does not lend it to %q", owner)
	case owner == "" && len(o.Not) > 0:
		return fmt.Errorf("the grid does not say whose job it is, and its donor does not lend it to everybody")
	}
	return nil
}
