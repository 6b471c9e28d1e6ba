package jobs

import (
	"math"
	"math/bits"
)

// Metering is the version of the rules by which workers count fuel: one unit is
// about one WASM instruction. Counts by different rules cannot be compared, so workers go
// on to count by those from OldestMetering on, for the jobs that name them.
const (
	Metering       = 3
	OldestMetering = 2
)

// MaxFuel is the largest limit that a job may set.
const MaxFuel = 1 << 62

// ExitOutOfFuel is the exit code of an attempt that used up its limit of fuel.
const ExitOutOfFuel = 254

// FuelSum is a sum of fuel. It is exact, however absurd the summands are that
// liars claim: what is taken back leaves the rest as it was.
type FuelSum struct {
	_         struct{} `cbor:",toarray"`
	High, Low uint64
}

func (f *FuelSum) add(n uint64) {
	var carry uint64
	f.Low, carry = bits.Add64(f.Low, n, 0)
	f.High += carry
}

// subtract stops at zero: a ban has withdrawn everything before what it rests
// on is taken back.
func (f *FuelSum) subtract(n uint64) {
	low, borrow := bits.Sub64(f.Low, n, 0)
	if borrow > f.High {
		*f = FuelSum{}
		return
	}
	f.Low, f.High = low, f.High-borrow
}

// Uint64 is the sum, or the largest number there is where it is larger.
func (f FuelSum) Uint64() uint64 {
	if f.High > 0 {
		return math.MaxUint64
	}
	return f.Low
}

// FuelRunning is about what the tasks without a result have used so far, when fuel
// tells that of their leases. A task counts once, and at most as the mean of those
// that have a result.
func (j *Job) FuelRunning(fuel map[LeaseID]uint64) uint64 {
	if j.Settled() == 0 || len(fuel) == 0 {
		return 0
	}
	mean := j.Fuel.Uint64() / uint64(j.Settled())
	var sum FuelSum
	for place, t := range j.Open {
		if !j.Closed[place].open() {
			continue
		}
		var most uint64
		for i := range t.Attempts {
			if a := &t.Attempts[i]; a.State == AttemptRunning {
				most = max(most, fuel[a.Lease])
			}
		}
		sum.add(min(most, mean))
	}
	return sum.Uint64()
}

// FuelEstimate is what all tasks of the job will use together, if the others are
// like those that have a result; 0 while none has. It stops at the largest
// number there is.
func (j *Job) FuelEstimate() uint64 {
	settled := uint64(j.Settled())
	if settled == 0 {
		return 0
	}
	high, low := bits.Mul64(j.Fuel.Uint64(), uint64(j.Total()))
	if high >= settled {
		return math.MaxUint64
	}
	estimate, _ := bits.Div64(high, low, settled)
	return estimate
}
