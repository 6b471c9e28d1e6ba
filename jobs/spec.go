package jobs

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Bounds of what a job may ask for.
const (
	MaxTasks     = 10_000_000
	MaxSpecBytes = 64 << 10       // bytes of args and env together
	MaxTime      = 24 * time.Hour // of one attempt, see Limits
	MaxMemory    = 4 << 30        // bytes of linear memory, 4 GiB
	MaxOutput    = 256 << 20      // bytes of one result, 256 MiB
	MaxReplicas  = 16             // attempts started at once, and the largest quorum
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
	// AllowFailed is how many tasks may fail without the job, or AllowFailedShare
	// which part of them; none by default.
	AllowFailed      uint32 `cbor:"13,keyasint,omitempty"`
	AllowFailedShare Prob   `cbor:"14,keyasint,omitempty"`
	// RetryOf is the job of which this one runs the tasks that have no result.
	RetryOf JobID `cbor:"15,keyasint,omitempty"`
	// Retain is for how long the job is kept once it is finished; 0: as its owner's terms
	// have it.
	Retain time.Duration `cbor:"35,keyasint,omitempty"`
	// Secret are the variables of Env whose values are shown to nobody but workers.
	Secret []string `cbor:"45,keyasint,omitempty"`
	// InputWait is for how long the job waits for what its tasks read, while that is with
	// nobody who is there; 0: DefaultInputWait.
	InputWait time.Duration `cbor:"93,keyasint,omitempty"`
}

// MayFail is how many of the job's tasks may fail without it.
func (s Spec) MayFail() int {
	if s.AllowFailedShare > 0 {
		return int(int64(s.AllowFailedShare) * s.Input.Tasks() / int64(One))
	}
	return int(s.AllowFailed)
}

// version is the oldest whose replicas can read the spec; 0: every one. field is what
// they could not.
func (s Spec) version() (v Version, field string) {
	switch {
	case s.InputWait != 0:
		return VersionThinkers, "input_wait"
	case s.Retain != 0:
		return VersionStrangers, "retain"
	case len(s.Secret) > 0:
		return VersionStrangers, "secret"
	case s.AllowFailed > 0 || s.AllowFailedShare > 0:
		return VersionInput, "allow_failed"
	case s.RetryOf != "":
		return VersionInput, "retry_of"
	case s.Input.Blob != nil && s.Input.Blob.Labels != nil:
		return VersionInput, "input.blob.labels"
	}
	return 0, ""
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

// DataFile is a blob that the guest reads as /data/NAME.
type DataFile struct {
	Name string   `cbor:"1,keyasint"`
	Blob blob.Ref `cbor:"2,keyasint"`
}

// Limits bound one attempt.
type Limits struct {
	// Time is processor time, without that of compiling; on systems where a worker
	// cannot tell it (all but Linux), time on the clock.
	Time   time.Duration `cbor:"1,keyasint"`
	Memory int64         `cbor:"2,keyasint"` // bytes of linear memory
	Output int64         `cbor:"3,keyasint"` // bytes on stdout
	// Fuel is how much work the guest may do, see Metering; 0: no limit.
	Fuel int64 `cbor:"10,keyasint,omitempty"`
}

// WithDefaults fills in what the submitter left out: 10 minutes, 512 MiB,
// 16 MiB of output and any amount of fuel; a max_error of 1e-4 or, under fixed
// replication, 2 agreeing attempts of at most 5; the OldestMetering, since a spec does not
// know its grid: see State.Metering.
func (s Spec) WithDefaults() Spec {
	setDefault(&s.Limits.Time, 10*time.Minute)
	setDefault(&s.Limits.Memory, 512<<20)
	setDefault(&s.Limits.Output, 16<<20)
	s.Trust = s.Trust.withDefaults()
	setDefault(&s.Metering, OldestMetering)
	return s
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Blobs are all blobs that the job needs: bundle, input, index, labels and data.
func (s Spec) Blobs() []blob.Ref {
	refs := []blob.Ref{s.Bundle}
	if b := s.Input.Blob; b != nil {
		refs = append(refs, b.Blob)
		if b.Index != nil {
			refs = append(refs, *b.Index)
		}
	}
	refs = append(refs, s.Labels()...)
	for _, d := range s.Data {
		refs = append(refs, d.Blob)
	}
	return refs
}

// Labels is the blob with the labels, if there is one.
func (s Spec) Labels() []blob.Ref {
	if s.Input.Blob == nil || s.Input.Blob.Labels == nil {
		return nil
	}
	return []blob.Ref{*s.Input.Blob.Labels}
}

// ReadByAll are those of the blobs that every task needs, the bundle first: all but the
// input, of which each reads its shard, and the labels, which are for people.
func (s Spec) ReadByAll() []blob.Ref {
	refs := []blob.Ref{s.Bundle}
	for _, d := range s.Data {
		refs = append(refs, d.Blob)
	}
	if b := s.Input.Blob; b != nil && b.Index != nil {
		refs = append(refs, *b.Index)
	}
	return refs
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Validate says what is wrong with a spec whose defaults are filled in, or nil: an
// Invalid rejection whose Subject is the first field that is, by its name in a job file.
func (s Spec) Validate() *Rejection { return s.validate(Metering) }

// validate knows rules of counting fuel up to the newest that a grid has.
func (s Spec) validate(newest uint32) *Rejection {
	return firstOf(s.checkName, s.checkBundle, s.checkUnknownImports, s.checkInput, s.checkText, s.checkDataNames, s.checkData,
		s.checkLimits, s.checkFuel(newest), s.checkTrust, s.checkAllowFailed, s.checkMayFail, s.checkRetryOf, s.checkRetain, s.checkInputWait)
}

// ValidateTerms is Validate without the bundle, the input and the blobs of the
// data files: a submitter knows the rest before it reads any of them.
func (s Spec) ValidateTerms() *Rejection {
	return firstOf(s.checkName, s.checkUnknownImports, s.checkText, s.checkDataNames, s.checkLimits, s.checkFuel(Metering), s.checkTrust, s.checkAllowFailed, s.checkRetain, s.checkInputWait)
}

func firstOf(checks ...func() *Rejection) *Rejection {
	for _, check := range checks {
		if r := check(); r != nil {
			return r
		}
	}
	return nil
}

func (s Spec) checkName() *Rejection {
	if !namePattern.MatchString(s.Name) {
		return invalid("name", "%q is not a name", s.Name).next("use at most 64 letters, digits, '-', '_' and '.', a letter or a digit first")
	}
	return nil
}

func (s Spec) checkBundle() *Rejection {
	if s.Bundle.ID.IsZero() || s.Bundle.Size <= 0 {
		return invalid("bundle", "there is none").next("name the WASM module to run")
	}
	return nil
}

func (s Spec) checkUnknownImports() *Rejection {
	if s.UnknownImports > TrapUnknown {
		return invalid("unknown_imports", "%d is none of the choices", s.UnknownImports).next("use refuse or trap")
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
	for _, k := range s.Secret {
		if _, given := s.Env[k]; !given {
			return invalid("secret", "%q is not a variable of env", k)
		}
	}
	if size > MaxSpecBytes || len(s.Secret) > len(s.Env) {
		return invalid("args, env", "they have %d bytes, more than %d", size, MaxSpecBytes).next("put large values into a data file")
	}
	return nil
}

func (s Spec) checkDataNames() *Rejection {
	if len(s.Data) > 256 {
		return invalid("data", "it has %d files, more than 256", len(s.Data))
	}
	seen := map[string]bool{}
	for _, d := range s.Data {
		if !namePattern.MatchString(d.Name) || seen[d.Name] {
			return invalid("data", "%q is not a file name, or is there twice", d.Name)
		}
		seen[d.Name] = true
	}
	return nil
}

func (s Spec) checkData() *Rejection {
	for _, d := range s.Data {
		if d.Blob.ID.IsZero() {
			return invalid("data."+d.Name, "there is no blob")
		}
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

func (s Spec) checkFuel(newest uint32) func() *Rejection {
	return func() *Rejection {
		switch {
		case s.Limits.Fuel < 0 || s.Limits.Fuel > MaxFuel:
			return invalid("limits.fuel", "%d is not between 0 and %d", s.Limits.Fuel, int64(MaxFuel)).next("leave it out for no limit")
		case s.Metering < 1 || s.Metering > newest:
			return invalid("metering", "this grid counts fuel by rules 1 to %d, the job wants %d", newest, s.Metering).next("upgrade the grid's coordinators, or leave it out")
		}
		return nil
	}
}

func (s Spec) checkAllowFailed() *Rejection {
	const next = "give a number of tasks such as 20, or a share such as 0.1 or 10%"
	switch {
	case s.AllowFailed > 0 && s.AllowFailedShare != 0:
		return invalid("allow_failed", "it is a number of tasks or a share of them, and not both").next(next)
	case s.AllowFailedShare < 0 || s.AllowFailedShare > One:
		return invalid("allow_failed", "%v is not between 0 and 1", s.AllowFailedShare).next(next)
	}
	return nil
}

func (s Spec) checkRetryOf() *Rejection {
	if s.RetryOf != "" && !namePattern.MatchString(string(s.RetryOf)) {
		return invalid("retry_of", "%q is not the id of a job", s.RetryOf)
	}
	return nil
}

func (s Spec) checkMayFail() *Rejection {
	if tasks := s.Input.Tasks(); int64(s.AllowFailed) > tasks {
		return invalid("allow_failed", "%d is more than the job's %s", s.AllowFailed, plural(int(tasks), "task")).next("use 100% if all of them may fail")
	}
	return nil
}

func (s Spec) String() string { return fmt.Sprintf("%s (%d tasks)", s.Name, s.Input.Tasks()) }
