package jobs

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"strings"
	"time"
)

// itemDef is what there is to know of an item.
type itemDef struct {
	name  string // of its flag
	what  string // for people, after a number
	bytes bool   // or a plain number
	usual int64  // its term, where neither the owner nor the grid has another
	next  string // what to do where it is used up
}

var itemDefs = [itemEnd]itemDef{
	ItemRunning:  {name: "jobs", what: "jobs that run", usual: 500, next: "wait until some are finished, or cancel some (`anthill cancel JOB`)"},
	ItemKept:     {name: "kept", what: "jobs that are kept", usual: 10_000, next: removeJobs},
	ItemTasks:    {name: "tasks", what: "tasks of all its jobs", usual: MaxTasks, next: removeJobs},
	ItemSpecs:    {name: "specs", what: "in args, env and the like of all its jobs", bytes: true, usual: 64 << 20, next: removeJobs},
	ItemResults:  {name: "results", what: "of results", bytes: true, usual: 64 << 30, next: removeJobs},
	ItemDatasets: {name: "datasets", what: "of datasets", bytes: true, usual: Unlimited, next: "drop some (`anthill blobs drop BLOB`)"},
	ItemRequests: {name: "requests", what: "requests in an hour", usual: 10_000, next: "wait some minutes"},
	ItemWeight:   {name: "weight", what: "of weight", usual: 1},
	ItemRetain:   {name: "retain", what: "of milliseconds", usual: (30 * 24 * time.Hour).Milliseconds()},
}

const removeJobs = "remove finished jobs whose results you have (`anthill jobs rm JOB`)"

// MaxWeight bounds the weight of an owner.
const MaxWeight = 1000

func (i Item) def() itemDef { return itemDefs[i] }

// String is the item's name in commands and messages.
func (i Item) String() string {
	if i == 0 || i >= itemEnd {
		return "nothing"
	}
	return i.def().name
}

// IsBytes says whether the item counts bytes.
func (i Item) IsBytes() bool { return i > 0 && i < itemEnd && i.def().bytes }

// Items are all of them, in order.
func Items() (list []Item) {
	for i := Item(1); i < itemEnd; i++ {
		list = append(list, i)
	}
	return list
}

func (d itemDef) text(n int64) string {
	if n == Unlimited {
		return "any number"
	}
	if d.bytes {
		return bytesText(n)
	}
	return fmt.Sprint(n)
}

// Term is how much of an item an owner may have: as was set for it, or for the grid, or
// what is usual.
func (s *State) Term(owner OwnerID, item Item) int64 {
	if o := s.Owners[owner]; o != nil {
		if n, set := o.Terms[item]; set {
			return n
		}
	}
	return s.GridTerm(item)
}

// GridTerm is that of owners who have none of their own.
func (s *State) GridTerm(item Item) int64 {
	if n, set := s.Terms[item]; set {
		return n
	}
	return item.def().usual
}

// SetOwner changes the terms of an owner, or of all owners without terms of their own.
type SetOwner struct {
	By    NodeID  `cbor:"1,keyasint"`
	Owner OwnerID `cbor:"2,keyasint,omitempty"` // empty: all of them
	Set   Terms   `cbor:"3,keyasint,omitempty"`
	// Usual are the items that are to be as usual again.
	Usual []Item `cbor:"4,keyasint,omitempty"`
	Why   string `cbor:"5,keyasint,omitempty"`
}

// MaySet says why terms may not be changed so, or nil.
func (s *State) MaySet(c *SetOwner) *Rejection {
	if n := s.Nodes[c.By]; n == nil || n.Role != Operator || n.Ended != nil {
		return reject(Denied, "NOT_AN_OPERATOR", "owner "+string(c.Owner), "only operators say how much an owner may have").next("ask one")
	}
	if !s.can(VersionStrangers) {
		return reject(Precondition, "OLD_COORDINATORS", "grid", "some of its coordinators are too old for accounts").next("upgrade them")
	}
	if c.Owner != "" && !s.knowsOwner(c.Owner) {
		return reject(NotFound, "UNKNOWN_OWNER", "owner "+string(c.Owner), "the grid knows nobody of this name").next("`anthill nodes` shows the owners of workers; tokens make others known")
	}
	if len(c.Why) > MaxWhy {
		return invalid("reason", "it has %d bytes, more than %d", len(c.Why), MaxWhy)
	}
	for _, item := range sortedItems(c.Set) {
		if r := item.check(c.Set[item]); r != nil {
			return r
		}
	}
	for _, item := range c.Usual {
		if item == 0 || item >= itemEnd {
			return item.check(0)
		}
	}
	return nil
}

// check says what is wrong with a term, or nil.
func (i Item) check(n int64) *Rejection {
	least, most := int64(0), int64(Unlimited)
	switch {
	case i == 0 || i >= itemEnd:
		return invalid("terms", "%d is no item of an account", i)
	case i == ItemWeight:
		least, most = 1, MaxWeight
	case i == ItemRetain:
		least, most = MinRetain.Milliseconds(), MaxRetain.Milliseconds()
	}
	if n < least || n > most {
		return invalid(i.String(), "%d is not between %d and %d", n, least, most)
	}
	return nil
}

// knowsOwner says whether an owner has something here, or a token.
func (s *State) knowsOwner(owner OwnerID) bool {
	if s.Owners[owner] != nil {
		return true
	}
	for _, t := range s.Tokens {
		if t.Owner == owner {
			return true
		}
	}
	return false
}

func (s *State) setOwner(c *SetOwner) Outcome {
	if r := s.MaySet(c); r != nil {
		return rejected(r)
	}
	terms := &s.Terms
	if c.Owner != "" {
		terms = &s.owner(c.Owner).Terms
	}
	changed := maps.Clone(*terms)
	if changed == nil {
		changed = Terms{}
	}
	maps.Copy(changed, c.Set)
	for _, item := range c.Usual {
		delete(changed, item)
	}
	*terms = changed // never in place: copies of the state share it
	if len(changed) == 0 {
		*terms = nil
	}
	s.note(c.By, ActOwnerChanged, cmp.Or(string(c.Owner), "everybody"), c.text())
	return Outcome{Owner: c.Owner}
}

// text says for people what was changed, and why.
func (c *SetOwner) text() string {
	var list []string
	for _, item := range sortedItems(c.Set) {
		list = append(list, item.String()+" "+item.def().text(c.Set[item]))
	}
	for _, item := range c.Usual {
		list = append(list, item.String()+" as usual")
	}
	return because(strings.Join(list, ", "), c.Why)
}

func sortedItems(t Terms) []Item {
	list := make([]Item, 0, len(t))
	for _, i := range Items() {
		if _, set := t[i]; set {
			list = append(list, i)
		}
	}
	if len(list) < len(t) {
		list = append(list, math.MaxUint8) // one that is unknown
	}
	return list
}
