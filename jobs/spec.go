package jobs

import (
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Bounds of what a job may ask for.
const (
	MaxTasks     = 10_000_000
	MaxSpecBytes = 64 << 10 // args, env and data names together
	MaxTime      = 24 * time.Hour
	MaxMemory    = 4 << 30
	MaxOutput    = 256 << 20
	MaxReplicas  = 16
)

// Spec is a job as the grid runs it: everything by digest.
type Spec struct {
	Name   string            `cbor:"1,keyasint"`
	Bundle blob.Ref          `cbor:"2,keyasint"`
	Args   []string          `cbor:"3,keyasint,omitempty"`
	Env    map[string]string `cbor:"4,keyasint,omitempty"`
	Input  Input             `cbor:"5,keyasint"`
	Data   []DataFile        `cbor:"6,keyasint,omitempty"`
	Limits Limits            `cbor:"7,keyasint"`
	Trust  Trust             `cbor:"8,keyasint"`
	// Metering says by which rules fuel is counted.
	Metering uint32 `cbor:"12,keyasint"`
	// UnknownImports says what becomes of functions that the bundle imports and
	// the grid does not have.
	UnknownImports UnknownImports `cbor:"9,keyasint,omitempty"`
}

// UnknownImports is what to do about imports that are not in WASI preview 1.
type UnknownImports uint8

// The choices.
const (
	RefuseUnknown UnknownImports = iota // refuse the module
	TrapUnknown                         // accept it; a call of one is a trap
)

// String is the choice in the words of a job file.
func (u UnknownImports) String() string {
	switch u {
	case RefuseUnknown:
		return "refuse"
	case TrapUnknown:
		return "trap"
	}
	return fmt.Sprintf("unknown imports %d", uint8(u))
}

// Input is what the tasks read on stdin; exactly one of its fields is set.
type Input struct {
	Range *Range     `cbor:"1,keyasint,omitempty"`
	Blob  *BlobInput `cbor:"2,keyasint,omitempty"`
}

// Range gives task i the line "LO HI\n" with LO = From + i*Step and
// HI = min(LO+Step, To).
type Range struct {
	From int64 `cbor:"1,keyasint"`
	To   int64 `cbor:"2,keyasint"`
	Step int64 `cbor:"3,keyasint"`
}

// BlobInput gives task i a byte range of a blob: the i-th run of ShardSize
// bytes or, where Index is set, the bytes from the i-th to the (i+1)-th of the
// index's big-endian 64-bit offsets.
type BlobInput struct {
	Blob      blob.Ref  `cbor:"1,keyasint"`
	ShardSize int64     `cbor:"2,keyasint,omitempty"`
	Index     *blob.Ref `cbor:"3,keyasint,omitempty"`
}

// DataFile is a blob that the guest reads as /data/NAME.
type DataFile struct {
	Name string   `cbor:"1,keyasint"`
	Blob blob.Ref `cbor:"2,keyasint"`
}

// Limits bound one attempt.
type Limits struct {
	Time   time.Duration `cbor:"1,keyasint"` // wall clock
	Memory int64         `cbor:"2,keyasint"` // bytes of linear memory
	Output int64         `cbor:"3,keyasint"` // bytes on stdout
	// Fuel is how much work the guest may do, see Metering; 0: no limit.
	Fuel int64 `cbor:"10,keyasint,omitempty"`
}

// Trust says what it takes to believe results: a bound on the share of wrong
// ones, or fixed replication (Quorum of 2 or more).
type Trust struct {
	Replicas    uint32 `cbor:"1,keyasint,omitempty"` // attempts started at once
	Quorum      uint32 `cbor:"2,keyasint,omitempty"` // agreeing attempts that accept
	MaxAttempts uint32 `cbor:"3,keyasint,omitempty"` // attempts after which a task has failed
	// MaxError is the expected share of wrong results at which the job is
	// finished; zero under fixed replication.
	MaxError Prob `cbor:"4,keyasint,omitempty"`
}

// aim is what the rule of credibility works towards. It lies a little below
// what was asked for: a bound that is looked at again and again, until it is
// reached, is reached a little too early.
func (t Trust) aim() Prob { return t.MaxError - t.MaxError/32 }

// Fixed says whether a fixed quorum accepts results.
func (t Trust) Fixed() bool { return t.Quorum > 0 }

// DefaultMaxError is the share of wrong results that a job may have by default.
const DefaultMaxError = One / 10_000

// WithDefaults fills in what the submitter left out: 10 minutes, 512 MiB,
// 16 MiB of output and any amount of fuel; a max_error of 1e-4 or, under fixed
// replication, 2 agreeing attempts of at most 5; the Metering of this version.
func (s Spec) WithDefaults() Spec {
	setDefault(&s.Limits.Time, 10*time.Minute)
	setDefault(&s.Limits.Memory, 512<<20)
	setDefault(&s.Limits.Output, 16<<20)
	s.Trust = s.Trust.withDefaults()
	setDefault(&s.Metering, Metering)
	return s
}

// withDefaults makes of one replica, which is for machines of one's own, a bound
// that holds from the first.
func (t Trust) withDefaults() Trust {
	switch {
	case t == Trust{}:
		return Trust{MaxError: DefaultMaxError}
	case t.MaxError != 0:
		return t
	case t.Replicas <= 1 && t.Quorum <= 1 && t.MaxAttempts == 0:
		return Trust{Replicas: 1, MaxError: One}
	}
	setDefault(&t.Quorum, 2)
	setDefault(&t.Replicas, t.Quorum)
	setDefault(&t.MaxAttempts, max(5, t.Replicas, t.Quorum))
	return t
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Tasks is the number of tasks that follows from the input.
func (in Input) Tasks() int64 {
	switch {
	case in.Range != nil:
		r := in.Range
		if r.Step <= 0 || r.To <= r.From {
			return 0
		}
		return int64(min((uint64(r.To)-uint64(r.From)-1)/uint64(r.Step)+1, math.MaxInt64))
	case in.Blob != nil && in.Blob.Index != nil:
		return max(0, in.Blob.Index.Size/8-1)
	case in.Blob != nil && in.Blob.ShardSize > 0 && in.Blob.Blob.Size > 0:
		return (in.Blob.Blob.Size-1)/in.Blob.ShardSize + 1
	}
	return 0
}

// Line is what task i of a range reads.
func (r Range) Line(i uint32) string {
	lo := r.From + int64(i)*r.Step
	hi := r.To
	if uint64(r.To)-uint64(lo) > uint64(r.Step) {
		hi = lo + r.Step
	}
	return strconv.FormatInt(lo, 10) + " " + strconv.FormatInt(hi, 10) + "\n"
}

// IndexEntry is where an index of big-endian 64-bit offsets holds the beginning
// and the end of shard i: size bytes from off.
func IndexEntry(i uint32) (off, size int64) { return 8 * int64(i), 16 }

// Shard is the byte range of the input blob that task i reads. entry is what
// stands at IndexEntry(i), where there is an index.
func (b BlobInput) Shard(i uint32, entry []byte) (off, size int64, err error) {
	off, end := int64(i)*b.ShardSize, min(int64(i+1)*b.ShardSize, b.Blob.Size)
	if b.Index != nil {
		if len(entry) != 16 {
			return 0, 0, fmt.Errorf("shard %d: its index entry has %d bytes, not 16", i, len(entry))
		}
		off, end = int64(binary.BigEndian.Uint64(entry)), int64(binary.BigEndian.Uint64(entry[8:]))
	}
	if off < 0 || end < off || end > b.Blob.Size {
		return 0, 0, fmt.Errorf("shard %d: bytes %d to %d do not lie in the input of %d bytes", i, off, end, b.Blob.Size)
	}
	return off, end - off, nil
}

// Blobs are all blobs that the job needs: bundle, input, index and data.
func (s Spec) Blobs() []blob.Ref {
	refs := []blob.Ref{s.Bundle}
	if b := s.Input.Blob; b != nil {
		refs = append(refs, b.Blob)
		if b.Index != nil {
			refs = append(refs, *b.Index)
		}
	}
	for _, d := range s.Data {
		refs = append(refs, d.Blob)
	}
	return refs
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Validate says what is wrong with a spec (with its defaults filled in), by
// field, or nil.
func (s Spec) Validate() *Rejection {
	if !namePattern.MatchString(s.Name) {
		return invalid("name", "%q is not a name", s.Name).next("use at most 64 letters, digits, '-', '_' and '.'")
	}
	if s.Bundle.ID.IsZero() || s.Bundle.Size <= 0 {
		return invalid("bundle", "there is none").next("name the WASM module to run")
	}
	if s.UnknownImports > TrapUnknown {
		return invalid("unknown_imports", "%d is none of the choices", s.UnknownImports).next("use refuse or trap")
	}
	for _, check := range []func() *Rejection{s.checkInput, s.checkText, s.checkData, s.checkLimits, s.checkFuel, s.checkTrust} {
		if r := check(); r != nil {
			return r
		}
	}
	return nil
}

func (s Spec) checkInput() *Rejection {
	in := s.Input
	if (in.Range == nil) == (in.Blob == nil) {
		return invalid("input", "it needs a range or a blob, and not both")
	}
	if b := in.Blob; b != nil {
		if b.Blob.ID.IsZero() {
			return invalid("input.blob", "there is none")
		}
		if (b.Index == nil) == (b.ShardSize <= 0) {
			return invalid("input.blob", "it needs a shard size or an index, and not both")
		}
		if b.Index != nil && (b.Index.ID.IsZero() || b.Index.Size%8 != 0) {
			return invalid("input.blob.index", "it is not a list of 64-bit offsets")
		}
	}
	switch n := in.Tasks(); {
	case n <= 0:
		return invalid("input", "it makes no tasks").next("check that the input is not empty, and that range.step is positive")
	case n > MaxTasks:
		return invalid("input", "it makes %d tasks, more than %d", n, MaxTasks).next("give each task more to do")
	}
	return nil
}

func (s Spec) checkText() *Rejection {
	size := 0
	for _, a := range s.Args {
		if strings.Contains(a, "\x00") {
			return invalid("args", "%q has a zero byte", a)
		}
		size += len(a) + 1
	}
	for _, k := range sortedKeys(s.Env) {
		v := s.Env[k]
		if k == "" || strings.ContainsAny(k, "=\x00") || strings.Contains(v, "\x00") {
			return invalid("env", "%q is not a variable", k)
		}
		size += len(k) + len(v) + 2
	}
	if size > MaxSpecBytes {
		return invalid("args, env", "they have %d bytes, more than %d", size, MaxSpecBytes).next("put large values into a data file")
	}
	return nil
}

func (s Spec) checkData() *Rejection {
	if len(s.Data) > 256 {
		return invalid("data", "it has %d files, more than 256", len(s.Data))
	}
	seen := map[string]bool{}
	for _, d := range s.Data {
		if !namePattern.MatchString(d.Name) || seen[d.Name] {
			return invalid("data", "%q is not a file name, or is there twice", d.Name)
		}
		if d.Blob.ID.IsZero() {
			return invalid("data."+d.Name, "there is no blob")
		}
		seen[d.Name] = true
	}
	return nil
}

func (s Spec) checkLimits() *Rejection {
	l := s.Limits
	switch {
	case l.Time < time.Millisecond || l.Time > MaxTime:
		return invalid("limits.time", "%v is not between 1ms and %v", l.Time, MaxTime).next("give each task less to do")
	case l.Memory < 64<<10 || l.Memory > MaxMemory:
		return invalid("limits.memory", "%d bytes is not between 64 KiB and 4 GiB", l.Memory).next("leave it out for 512 MiB")
	case l.Output < 0 || l.Output > MaxOutput:
		return invalid("limits.output", "%d bytes is not between 0 and 256 MiB", l.Output).next("give each task less to do")
	}
	return nil
}

func (s Spec) checkFuel() *Rejection {
	switch {
	case s.Limits.Fuel < 0 || s.Limits.Fuel > MaxFuel:
		return invalid("limits.fuel", "%d is not between 0 and %d", s.Limits.Fuel, int64(MaxFuel)).next("leave it out for no limit")
	case s.Metering < 1 || s.Metering > Metering:
		return invalid("metering", "this grid counts fuel by rules 1 to %d, the job wants %d", Metering, s.Metering).next("upgrade the grid's coordinators, or leave it out")
	}
	return nil
}

func (s Spec) checkTrust() *Rejection {
	t := s.Trust
	switch {
	case t == Trust{Replicas: 1, MaxError: One}:
	case t.MaxError != 0 && t != Trust{MaxError: t.MaxError}:
		return invalid("trust.max_error", "it does not go together with replicas, quorum and max_attempts").next("leave out the one or the others")
	case t.MaxError < 0 || t.MaxError >= One:
		return invalid("trust.max_error", "%v is not between 0 and 1", t.MaxError).next("leave it out for 0.0001, one wrong result in ten thousand")
	case t.MaxError != 0:
	case t.Quorum < 2 || t.Quorum > MaxReplicas:
		return invalid("trust.quorum", "%d is not between 2 and %d", t.Quorum, MaxReplicas).next("for machines of your own, set trust.replicas to 1 alone")
	case t.Replicas < 1 || t.Replicas > MaxReplicas:
		return invalid("trust.replicas", "%d is not between 1 and %d", t.Replicas, MaxReplicas)
	case t.MaxAttempts < max(t.Quorum, t.Replicas) || t.MaxAttempts > 64:
		return invalid("trust.max_attempts", "%d is not between %d (the larger of quorum and replicas) and 64", t.MaxAttempts, max(t.Quorum, t.Replicas))
	}
	return nil
}

func (s Spec) String() string { return fmt.Sprintf("%s (%d tasks)", s.Name, s.Input.Tasks()) }
