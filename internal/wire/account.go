package wire

import (
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// AccountToProto tells what an owner uses and may use; of nobody, what owners may use who
// have no terms of their own.
func AccountToProto(s *jobs.State, owner jobs.OwnerID) *anthillv1.Account {
	m := &anthillv1.Account{Owner: string(owner)}
	var used jobs.Account
	own := jobs.Terms{}
	if owner != "" {
		used = s.Account(owner)
	}
	if o := s.Owners[owner]; o != nil {
		own = o.Terms
	}
	for _, item := range jobs.Items() {
		_, set := own[item]
		line := &anthillv1.AccountLine{Item: ItemToProto(item), Used: used[item], Limit: s.Term(owner, item), Own: set}
		if item == jobs.ItemResults && owner != "" {
			line.Reserved = s.Reserved(owner)
		}
		m.Lines = append(m.Lines, line)
	}
	return m
}

// ItemToProto and ItemFromProto rely on jobs.Item having the order of the wire's enum.
func ItemToProto(i jobs.Item) anthillv1.AccountItem { return anthillv1.AccountItem(i) }

// ItemFromProto takes a number that it does not know for none.
func ItemFromProto(m anthillv1.AccountItem) jobs.Item {
	if !known(anthillv1.AccountItem_name, m) {
		return 0
	}
	return jobs.Item(m)
}

// TermsFromProto reads what is set; of an item that is named twice the last counts.
func TermsFromProto(list []*anthillv1.AccountTerm) jobs.Terms {
	terms := jobs.Terms{}
	for _, t := range list {
		terms[ItemFromProto(t.GetItem())] = t.GetLimit()
	}
	return terms
}
