package swarm

import (
	"math/rand/v2"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/jobs"
)

// source is a peer as the policy sees it.
type source struct {
	rank int // lower is preferred
	free int // pieces that may be asked of it now
	have blob.Bitmap
	// eager sources take one piece even if a preferred source has it.
	eager bool
}

// assignment says which source is asked for which piece.
type assignment struct{ source, piece int }

// rank prefers workers, which are many, over coordinators, which have other
// work, over the submitter, which would like to leave.
func rank(role jobs.Role) int {
	switch role {
	case jobs.Worker:
		return 0
	case jobs.Coordinator:
		return 1
	default:
		return 2
	}
}

const (
	// relayedRank is that of peers that are reached through a third one: it has but so
	// much for all.
	relayedRank = 3
	// lastRank is below that of every peer.
	lastRank = 4
)

// rank is by whom it is, and by which path it is reached.
func (w peerIdentity) rank() int {
	if w.path == reach.Relayed {
		return relayedRank
	}
	return rank(w.role)
}

// assign hands out missing pieces, rarest first, until no source is free or has
// anything to do. A source gets a piece that a preferred one has only if it is
// eager. Ties are random: peers that all choose alike would all queue for the
// same piece.
func assign(missing []int, sources []source, rng *rand.Rand) []assignment {
	sources = slices.Clone(sources)
	left := rarestFirst(missing, sources, rng)
	best := bestRank(missing, sources)
	order := rng.Perm(len(sources))
	slices.SortStableFunc(order, func(a, b int) int { return sources[a].rank - sources[b].rank })
	var out []assignment
	for dealt := true; dealt; {
		dealt = false
		for _, k := range order {
			at := pickFor(&sources[k], left, best)
			if at < 0 {
				continue
			}
			out = append(out, assignment{k, left[at]})
			left = slices.Delete(left, at, at+1)
			dealt = true
		}
	}
	return out
}

// pickFor finds the first of the pieces that the source may take, or -1.
func pickFor(s *source, pieces []int, best map[int]int) int {
	if s.free <= 0 {
		return -1
	}
	for at, i := range pieces {
		if !s.have.Has(i) {
			continue
		}
		if best[i] < s.rank {
			if !s.eager {
				continue
			}
			s.eager = false
		}
		s.free--
		return at
	}
	return -1
}

// rarestFirst orders pieces by how many sources have them, leaving out those
// that nobody has. Equally rare ones come in random order.
func rarestFirst(pieces []int, sources []source, rng *rand.Rand) []int {
	var out []int
	copies := make(map[int]int, len(pieces))
	for _, i := range pieces {
		for _, s := range sources {
			if s.have.Has(i) {
				copies[i]++
			}
		}
		if copies[i] > 0 {
			out = append(out, i)
		}
	}
	rng.Shuffle(len(out), func(a, b int) { out[a], out[b] = out[b], out[a] })
	slices.SortStableFunc(out, func(a, b int) int { return copies[a] - copies[b] })
	return out
}

// bestRank tells for each piece the rank of the most preferred source of it.
func bestRank(pieces []int, sources []source) map[int]int {
	best := make(map[int]int, len(pieces))
	for _, i := range pieces {
		for _, s := range sources {
			if r, ok := best[i]; s.have.Has(i) && (!ok || s.rank < r) {
				best[i] = s.rank
			}
		}
	}
	return best
}
