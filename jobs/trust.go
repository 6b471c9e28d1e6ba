package jobs

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

// proof is the error probability at which a lie counts as proven.
func (t Trust) proof() Prob { return min(t.MaxError, One/1000) }

// DefaultMaxError is the share of wrong results that a job may have by default.
const DefaultMaxError = One / 10_000

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
