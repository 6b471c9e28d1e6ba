package limits

import "testing"

func TestOwners(t *testing.T) {
	for _, test := range []struct {
		owners         Owners
		lent, withheld []string
	}{
		{Owners{}, []string{"ann", "bob", ""}, nil},
		{Owners{Only: []string{"ann", "carl"}}, []string{"ann", "carl"}, []string{"bob", ""}},
		{Owners{Not: []string{"bob"}}, []string{"ann"}, []string{"bob", ""}},
	} {
		if err := test.owners.Validate(); err != nil {
			t.Errorf("%+v: %v", test.owners, err)
		}
		for _, owner := range test.lent {
			if err := test.owners.Refuses(owner); err != nil {
				t.Errorf("%+v refuses %q: %v", test.owners, owner, err)
			}
		}
		for _, owner := range test.withheld {
			if test.owners.Refuses(owner) == nil {
				t.Errorf("%+v takes jobs of %q", test.owners, owner)
			}
		}
	}
	for _, bad := range []Owners{
		{Only: []string{""}}, {Not: []string{"a\x1b[2J"}}, {Only: []string{"ann"}, Not: []string{"ann"}}, {Not: make([]string, MaxOwners+1)},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
