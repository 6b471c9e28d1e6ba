package wire

import (
	"strings"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// ReportFromProto reads what a worker says of one of its attempts.
func ReportFromProto(m *anthillv1.AttemptReport, worker jobs.NodeID) (jobs.Report, error) {
	output, err := RefFromProto("reports.output", m.GetOutput())
	if err != nil {
		return jobs.Report{}, err
	}
	status, err := StatusFromProto("reports.status", m.GetStatus())
	if err != nil {
		return jobs.Report{}, err
	}
	if status == jobs.Succeeded && output.ID.IsZero() {
		return jobs.Report{}, jobs.InvalidField("reports.output", "a success needs one")
	}
	reason, room := jobs.Printable(strings.ToValidUTF8(m.GetReason(), "")), jobs.MaxReason
	if status == jobs.Crashed || status == jobs.Killed {
		room = jobs.MaxFailure
	}
	return jobs.Report{
		Lease: jobs.LeaseID(m.GetLease()), Worker: worker, Status: status, ExitCode: m.GetExitCode(), Output: output, Fuel: m.GetFuel(),
		Reason:  jobs.Shorten(reason, room),
		Fetched: TrafficFromProto(m.GetFetched()),
	}, nil
}
