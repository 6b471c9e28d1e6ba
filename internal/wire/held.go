package wire

import (
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// ConfirmToProto says what a coordinator holds, and misses. Who says so follows
// from the connection.
func ConfirmToProto(c jobs.ConfirmHeld) *anthillv1.ConfirmHeldRequest {
	m := &anthillv1.ConfirmHeldRequest{
		Lost: c.Lost, Results: heldToProto(c.Results), Missing: heldToProto(c.Missing),
		Blobs: IDsToProto(c.Blobs), Sizes: RefsToProto(c.Sizes), Slow: c.Slow,
	}
	for _, id := range c.Away {
		m.Away = append(m.Away, string(id))
	}
	for _, p := range c.Proven {
		m.Proven = append(m.Proven, &anthillv1.ProvenBlobs{JobId: string(p.Job), Owner: string(p.Owner), Blobs: IDsToProto(p.Blobs)})
	}
	for _, id := range c.Inputs {
		m.Inputs = append(m.Inputs, string(id))
	}
	for _, r := range c.Refused {
		m.Refused = append(m.Refused, &anthillv1.RefusedJob{JobId: string(r.Job), Reason: r.Reason})
	}
	return m
}

// ConfirmFromProto reads what a coordinator holds, and misses.
func ConfirmFromProto(m *anthillv1.ConfirmHeldRequest, by jobs.NodeID) (c jobs.ConfirmHeld, err error) {
	c = jobs.ConfirmHeld{
		Coordinator: by, Lost: m.GetLost(), Results: heldFromProto(m.GetResults()), Missing: heldFromProto(m.GetMissing()),
		Slow: m.GetSlow(),
	}
	for _, id := range m.GetAway() {
		c.Away = append(c.Away, jobs.NodeID(id))
	}
	for _, id := range m.GetInputs() {
		c.Inputs = append(c.Inputs, jobs.JobID(id))
	}
	for _, r := range m.GetRefused() {
		c.Refused = append(c.Refused, jobs.RefusedJob{Job: jobs.JobID(r.GetJobId()), Reason: r.GetReason()})
	}
	for _, p := range m.GetProven() {
		blobs, err := IDsFromProto("proven", p.GetBlobs())
		if err != nil {
			return jobs.ConfirmHeld{}, err
		}
		c.Proven = append(c.Proven, jobs.ProvenBlobs{Job: jobs.JobID(p.GetJobId()), Owner: jobs.OwnerID(p.GetOwner()), Blobs: blobs})
	}
	if c.Blobs, err = IDsFromProto("blobs", m.GetBlobs()); err != nil {
		return jobs.ConfirmHeld{}, err
	}
	if c.Sizes, err = RefsFromProto("sizes", m.GetSizes()); err != nil {
		return jobs.ConfirmHeld{}, err
	}
	return c, nil
}

// convert copies numbers, since the domain's have types.
func convert[To, From ~uint32](list []From) (converted []To) {
	for _, n := range list {
		converted = append(converted, To(n))
	}
	return converted
}

// Coordinators name results by their sequences, as the state does.
func heldToProto(held []jobs.HeldResults) (list []*anthillv1.HeldResults) {
	for _, h := range held {
		list = append(list, &anthillv1.HeldResults{JobId: string(h.Job), Sequences: convert[uint32](h.Sequences)})
	}
	return list
}

func heldFromProto(list []*anthillv1.HeldResults) (held []jobs.HeldResults) {
	for _, h := range list {
		held = append(held, jobs.HeldResults{Job: jobs.JobID(h.GetJobId()), Sequences: convert[jobs.Sequence](h.GetSequences())})
	}
	return held
}
