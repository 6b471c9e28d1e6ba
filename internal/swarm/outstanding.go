package swarm

// How many pieces one peer is to send at a time.
const (
	// outstandingAsked is for pieces that are asked for by number, as those of a part
	// of a blob are: the second keeps the peer's line busy while the first is being
	// hashed and stored.
	outstandingAsked = 2
	// outstandingChosen is for pieces of a whole blob, which the peer chooses: so many
	// it may choose ahead. How many of them are on their way at a time is the peer's
	// business, which knows its line; see budget.
	outstandingChosen = 8
)

// mayAsk is how many more pieces may be asked of the peer: only one before it has
// shown that it sends what it should.
func (r *remote) mayAsk() int {
	if !r.proven {
		return 1 - len(r.flights)
	}
	return outstandingAsked - len(r.flights)
}

// mayChoose is how many pieces the peer may choose.
func (r *remote) mayChoose() int {
	if !r.proven {
		return 1
	}
	return outstandingChosen
}

// chosen is how many pieces that the peer chose are on their way.
func (r *remote) chosen() (n int) {
	for _, f := range r.flights {
		if !f.asked {
			n++
		}
	}
	return n
}
