package wire

import (
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TrafficToProto says how many bytes came from whom.
func TrafficToProto(t jobs.Traffic) *anthillv1.Traffic {
	return &anthillv1.Traffic{FromSubmitter: t.FromSubmitter, FromCoordinators: t.FromCoordinators, FromWorkers: t.FromWorkers}
}

// TrafficFromProto reads how many bytes came from whom. The figures are
// somebody's word: what is negative counts as nothing.
func TrafficFromProto(m *anthillv1.Traffic) jobs.Traffic {
	return jobs.Traffic{
		FromSubmitter:    max(0, m.GetFromSubmitter()),
		FromCoordinators: max(0, m.GetFromCoordinators()),
		FromWorkers:      max(0, m.GetFromWorkers()),
	}
}
