package jobs

import (
	"maps"
	"slices"
)

// Clone is a deep copy of the state without what is derived: what a snapshot
// is written from while the original goes on.
func (s *State) Clone() *State {
	return &State{
		Grid: s.Grid, Now: s.Now, Raised: s.Raised, Terms: s.Terms,
		Tokens:   cloneEach(s.Tokens, func(t Token) Token { t.Nodes = maps.Clone(t.Nodes); return t }),
		Nodes:    cloneEach(s.Nodes, func(n Node) Node { return n }), // nothing changes an Ending
		Owners:   cloneEach(s.Owners, func(o Owner) Owner { o.Accusers = slices.Clone(o.Accusers); return o }),
		Jobs:     cloneEach(s.Jobs, Job.clone),
		Datasets: cloneEach(s.Datasets, func(d Dataset) Dataset { d.Claims = slices.Clone(d.Claims); return d }),

		Holders:   slices.Clone(s.Holders),
		Numbered:  slices.Clone(s.Numbered),
		Saboteurs: s.Saboteurs,
		Answered:  slices.Clone(s.Answered),
		Record:    slices.Clone(s.Record),

		Denied:       maps.Clone(s.Denied), // nothing changes a Denial
		DenyRevision: s.DenyRevision,
		Runtimes:     slices.Clone(s.Runtimes),
		Authorities:  s.Authorities.clone(),
	}
}

func (a *Authorities) clone() *Authorities {
	if a == nil {
		return nil
	}
	c := *a
	if a.Next != nil {
		next := *a.Next
		c.Next = &next
	}
	return &c
}

// clone shares the spec, which nothing changes.
func (j Job) clone() Job {
	j.Open, j.Records = cloneEach(j.Open, Task.clone), cloneEach(j.Records, Task.clone)
	j.tally = nil
	j.Closed = slices.Clone(j.Closed)
	j.Order = slices.Clone(j.Order)
	j.Unheld = maps.Clone(j.Unheld)
	j.Reasons = maps.Clone(j.Reasons)
	j.Tries = maps.Clone(j.Tries)
	j.Events = slices.Clone(j.Events)
	return j
}

func (t Task) clone() Task {
	t.Attempts = slices.Clone(t.Attempts)
	return t
}

func cloneEach[K comparable, V any](m map[K]*V, clone func(V) V) map[K]*V {
	out := make(map[K]*V, len(m))
	for k, v := range m {
		c := clone(*v)
		out[k] = &c
	}
	return out
}
