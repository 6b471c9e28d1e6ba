package wire

import (
	"math"

	"github.com/anthill-grid/anthill/jobs"
)

// ShareToProto gives a probability as a number from 0 to 1.
func ShareToProto(p jobs.Prob) float64 { return float64(p) / float64(jobs.One) }

// partFromProto reads a share from 0 to 1, both of which are meant.
func partFromProto(field string, v float64) (jobs.Prob, error) {
	if !(v >= 0 && v <= 1) { // refuses NaN too
		return 0, jobs.InvalidField(field, "%v is not between 0 and 1", v)
	}
	return jobs.Prob(math.Round(v * float64(jobs.One))), nil
}

// ShareFromProto reads a share above 0 and below 1 in parts per billion; 0 is
// one that was not given.
func ShareFromProto(field string, v float64) (jobs.Prob, error) {
	if v == 0 {
		return 0, nil
	}
	p := math.Round(v * float64(jobs.One))
	if !(p >= 1 && p < float64(jobs.One)) { // refuses NaN too
		r := jobs.InvalidField(field, "%v is not above 0 and below 1, to nine decimal places", v)
		r.Next = "give a share such as 0.0001, or leave it out"
		return 0, r
	}
	return jobs.Prob(p), nil
}
