// Package prices makes guests pay in fuel for what the host does for them. The
// prices follow from what is the same on every machine: arguments, results, and what
// files and streams have moved.
package prices

// The rules by which a guest pays, as jobs name them. A job is computed by one set of
// rules to its end, whatever the release of its workers.
const (
	// ByClaim are the rules of the version before: a call costs what its arguments
	// say, whether it comes to anything or not.
	ByClaim uint32 = 2
	// ByWork: a call costs what the host has done.
	ByWork uint32 = 3
)

// Prices in units of fuel. A unit is about a nanosecond's work.
const (
	// Call is for each call of the host, beside the 1 that any call costs.
	Call = 100
	// BytesShift makes bytes that are moved cost 1 for each 1<<BytesShift of them,
	// as in the guest's own bulk instructions.
	BytesShift = 3
	// Buffer is for one of the buffers, subscriptions or texts that a call goes through,
	// Glance for a buffer of no length.
	Buffer = 20
	Glance = 4
	// PathShift makes the bytes of paths, which are looked at one by one, cost 1 for each
	// 1<<PathShift of them.
	PathShift = 2
	// Entry is for an entry of a directory.
	Entry = 100
	// File is for a call that comes to the host's system, Open for one that opens a
	// file there.
	File = 1_000
	Open = 20_000
)

// Bytes is the price of moving so many.
func Bytes(n int) int64 { return int64(n) >> BytesShift }

// Bill is what the host has done for a guest beside the calls themselves. The guest's
// files and streams write on it; it is paid at the end of each call. What is on a nil
// bill, nobody pays.
type Bill struct{ units int64 }

// Add puts an amount on the bill.
func (b *Bill) Add(units int64) {
	if b != nil {
		b.units += units
	}
}

// settle gives what is on the bill, and clears it.
func (b *Bill) settle() int64 {
	units := b.units
	b.units = 0
	return units
}
