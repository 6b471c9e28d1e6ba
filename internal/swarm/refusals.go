package swarm

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// firstRefusal is how long a peer is refused for its first offence; each
	// further one doubles that, up to maxDoublings times.
	firstRefusal = 24 * time.Hour
	maxDoublings = 6
	// offenceMemory is how long after its last offence a peer counts as honest
	// again.
	offenceMemory = 365 * 24 * time.Hour
	// maxRefusals bounds the peers that are remembered.
	maxRefusals = 4096
)

// refusals remembers the peers that sent wrong bytes, over restarts if it has a file.
// A peer is known by its key, so that neither a new address helps the liar nor an old
// one harms the next to have it. A peer that cannot be identified is known by its
// address, as long as the process lives.
type refusals struct {
	path   string // empty: none
	logger *slog.Logger

	mu        sync.Mutex
	nodes     map[jobs.NodeID]refusal
	addresses map[string]refusal
}

// refusal is what a peer has on its record.
type refusal struct {
	Until    time.Time `json:"until"`
	Last     time.Time `json:"last"` // offence
	Offences int       `json:"offences"`
}

// openRefusals reads the file. One that cannot be read is set aside: it is no
// reason not to work.
func openRefusals(path string, logger *slog.Logger) (*refusals, error) {
	r := &refusals{path: path, logger: logger, nodes: make(map[jobs.NodeID]refusal), addresses: make(map[string]refusal)}
	if path == "" {
		return r, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read refused peers: %w", err)
	}
	if err := json.Unmarshal(data, &r.nodes); err != nil || r.nodes == nil {
		r.nodes = make(map[jobs.NodeID]refusal)
		logger.Warn("failed to read refused peers: their file is damaged and all are forgotten", "error", err, "set aside as", path+".damaged")
		return r, os.Rename(path, path+".damaged")
	}
	return r, nil
}

// add notes an offence of a node or, if it is not known which, of an address. It
// tells whether the peer was not refused before.
func (r *refusals) add(node jobs.NodeID, address string) (fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if node == "" {
		fresh = !now.Before(r.addresses[address].Until)
		r.addresses[address] = r.addresses[address].after(now)
		trim(r.addresses)
		return fresh
	}
	fresh = !now.Before(r.nodes[node].Until)
	r.nodes[node] = r.nodes[node].after(now)
	trim(r.nodes)
	if err := r.save(); err != nil {
		r.logger.Error("failed to save refused peers", "error", err)
	}
	return fresh
}

// after is the record with one more offence. Those of a peer that is refused
// already are of the same lie, caught by another download.
func (f refusal) after(now time.Time) refusal {
	switch {
	case now.Before(f.Until):
		return f
	case now.Sub(f.Last) > offenceMemory:
		f.Offences = 0
	}
	return refusal{Until: now.Add(firstRefusal << min(f.Offences, maxDoublings)), Last: now, Offences: f.Offences + 1}
}

// trim drops those whose refusal ends first.
func trim[K comparable](all map[K]refusal) {
	for len(all) > maxRefusals {
		var first K
		for k, f := range all {
			if g, ok := all[first]; !ok || f.Until.Before(g.Until) {
				first = k
			}
		}
		delete(all, first)
	}
}

// save is called with mu held.
func (r *refusals) save() error {
	if r.path == "" {
		return nil
	}
	data, err := json.Marshal(r.nodes)
	if err != nil {
		return err
	}
	temp := r.path + ".new"
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, r.path)
}

// has tells whether a peer is refused. Its address counts only as long as its
// node is not known.
func (r *refusals) has(node jobs.NodeID, address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if node != "" {
		return time.Now().Before(r.nodes[node].Until)
	}
	return time.Now().Before(r.addresses[address].Until)
}

// count is how many peers are refused.
func (r *refusals) count() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for _, f := range r.nodes {
		if now.Before(f.Until) {
			n++
		}
	}
	for _, f := range r.addresses {
		if now.Before(f.Until) {
			n++
		}
	}
	return n
}

// refuse has no more to do with a peer, and leaves it to be reported.
func (s *Swarm) refuse(from peerIdentity, address string, id blob.ID, cause error) {
	fresh := s.refusals.add(from.node, address)
	s.cfg.Logger.Warn("peer refused", "address", address, "node", from.node, "blob", id.Short(), "cause", cause)
	if !fresh || from.node == "" {
		return
	}
	select {
	case s.caught <- Caught{from.node, id, proofOf(cause)}:
	default:
	}
}
