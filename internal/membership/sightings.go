package membership

import (
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// sightings are since when members have had the status that they have.
type sightings struct {
	mu   sync.Mutex
	seen map[jobs.NodeID]sighting
}

type sighting struct {
	status Status
	full   bool
	since  time.Time
}

// note says since when a member has been as it is.
func (s *sightings) note(m Member) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, known := s.seen[m.Node]
	if !known || last.status != m.Status || last.full != m.Full {
		last = sighting{m.Status, m.Full, time.Now()}
		s.seen[m.Node] = last
	}
	return last.since
}

// SetFull tells the others whether this node's disk takes no more. It is for one goroutine.
func (m *Membership) SetFull(full bool) error {
	if full == m.full {
		return nil
	}
	tags := maps.Clone(m.tags)
	if full {
		tags[tagFull] = "yes"
	}
	if err := m.serf.SetTags(tags); err != nil {
		return fmt.Errorf("tell members of the disk: %w", err)
	}
	m.full = full
	return nil
}
