package jobs

// Version numbers the rules of the state machine, and with them the encoding of
// the log. Replicas must apply an entry alike whatever binary they run, so a rule
// that changes looks at the state's version, and the version changes by a command
// alone: see RaiseVersion.
type Version uint8

const (
	// FirstVersion is the oldest that this binary can go on with.
	FirstVersion Version = 4
	// LastVersion is the newest that it can do.
	LastVersion Version = 8

	// VersionInput: attempts that end for want of their input are nobody's fault,
	// leases that ended in silence may be given back, failed tasks may be allowed,
	// and more is kept of why a task failed.
	VersionInput Version = 5

	// VersionStrangers: a grid that strangers may join from anywhere, and that lives for
	// years. See the places that ask for it.
	VersionStrangers Version = 6

	// VersionThinkers: the bound holds against liars who see, wait and remember, and what
	// cannot be had is computed again. See the places that ask for it.
	VersionThinkers Version = 7

	// VersionYears: authorities follow each other, grid time is the majority's, and a grid
	// grows without its leader counting all of it again. See the places that ask for it.
	VersionYears Version = 8
)

// Version is that of the rules by which the state changes now.
func (s *State) Version() Version { return max(FirstVersion, s.Raised) }

// Metering is the newest version of the rules by which this grid counts fuel. While there
// may be voters that know nothing of the newest, no job can have it.
func (s *State) Metering() uint32 {
	if s.can(VersionInput) {
		return Metering
	}
	return OldestMetering
}

// can says whether the rules that came with a version are in force.
func (s *State) can(v Version) bool { return s.Version() >= v }

// Readable leaves out of a spec what replicas by the rules in force cannot read, and the
// job can do without.
func (s *State) Readable(spec Spec) Spec {
	if b := spec.Input.Blob; b != nil && b.Labels != nil && !s.can(VersionInput) {
		plain := *b
		plain.Labels = nil
		spec.Input.Blob = &plain
	}
	return spec
}

// CheckSpec says what is wrong with a spec by the rules in force, or nil.
func (s *State) CheckSpec(spec Spec) *Rejection {
	if v, field := spec.version(); !s.can(v) {
		return invalid(field, "some of the grid's coordinators are too old for it").next("upgrade the grid's coordinators, or leave it out")
	}
	return spec.validate(s.Metering())
}

// raise brings newer rules into force. The leader proposes it once every voter can
// follow; a replica that cannot would have refused the entry before it came here.
// Going back is not possible: what came since may rest on the new rules.
func (s *State) raise(c *RaiseVersion) Outcome {
	if c.Version > LastVersion {
		panic("jobs: the grid's rules are of a newer version than this coordinator: upgrade it before it votes again")
	}
	if !s.can(VersionStrangers) && c.Version >= VersionStrangers {
		s.seeAll()
	}
	s.Raised = max(s.Raised, c.Version)
	if s.can(VersionThinkers) {
		s.unholdScarce()
	}
	s.planAll()
	return Outcome{}
}
