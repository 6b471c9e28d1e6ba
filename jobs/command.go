package jobs

import (
	"math"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Command is one entry of the log. Exactly one of its pointers is set.
type Command struct {
	At      Time      `cbor:"1,keyasint"` // the proposer's clock
	Request RequestID `cbor:"2,keyasint,omitempty"`

	Found        *FoundGrid      `cbor:"10,keyasint,omitempty"`
	CreateToken  *CreateToken    `cbor:"11,keyasint,omitempty"`
	Admit        *AdmitNode      `cbor:"12,keyasint,omitempty"`
	Submit       *SubmitJob      `cbor:"13,keyasint,omitempty"`
	Cancel       *CancelJob      `cbor:"14,keyasint,omitempty"`
	Grant        *GrantLeases    `cbor:"15,keyasint,omitempty"`
	Renew        *RenewLeases    `cbor:"16,keyasint,omitempty"`
	Expire       *ExpireLeases   `cbor:"17,keyasint,omitempty"`
	Report       *ReportAttempts `cbor:"18,keyasint,omitempty"`
	Confirm      *ConfirmHeld    `cbor:"19,keyasint,omitempty"`
	Concede      *ConcedeJob     `cbor:"20,keyasint,omitempty"`
	Accuse       *AccusePeers    `cbor:"21,keyasint,omitempty"`
	Keep         *KeepBlob       `cbor:"22,keyasint,omitempty"`
	Drop         *DropBlob       `cbor:"23,keyasint,omitempty"`
	Raise        *RaiseVersion   `cbor:"24,keyasint,omitempty"`
	Move         *MoveNode       `cbor:"30,keyasint,omitempty"`
	SetOwner     *SetOwner       `cbor:"35,keyasint,omitempty"`
	Forget       *Forget         `cbor:"36,keyasint,omitempty"`
	See          *SeeNodes       `cbor:"37,keyasint,omitempty"`
	RevokeToken  *RevokeToken    `cbor:"45,keyasint,omitempty"`
	EndNode      *EndNode        `cbor:"46,keyasint,omitempty"`
	BanOwner     *BanOwner       `cbor:"47,keyasint,omitempty"`
	Share        *ShareBlob      `cbor:"48,keyasint,omitempty"`
	Runtime      *NameRuntime    `cbor:"80,keyasint,omitempty"`
	ChangeDenied *ChangeDenied   `cbor:"70,keyasint,omitempty"`

	Dismiss *DismissCoordinators `cbor:"85,keyasint,omitempty"`
	Away    *NoteAway            `cbor:"86,keyasint,omitempty"`

	Rotate  *RotateAuthority `cbor:"110,keyasint,omitempty"`
	Compare *CompareStates   `cbor:"150,keyasint,omitempty"`
}

// Version is the oldest whose replicas can read the command; 0: every one.
func (c *Command) Version() Version {
	switch {
	case c.Raise != nil:
		return c.Raise.Version
	case c.Rotate != nil, c.See != nil && len(c.See.Certified) > 0, c.CreateToken != nil && c.CreateToken.Authority != 0, c.Admit != nil && c.Admit.Authority != 0,
		c.Compare != nil:
		return VersionYears
	case c.Accuse != nil && c.Accuse.Proof != nil:
		return VersionThinkers
	case c.Concede != nil && len(c.Concede.Tasks) > 0:
		return VersionThinkers
	case c.Dismiss != nil, c.Away != nil:
		return VersionStrangers
	case c.Renew != nil && len(c.Renew.Workers) > 0:
		return VersionYears
	case c.Renew != nil && len(c.Renew.Gone) > 0:
		return VersionInput
	case c.Confirm != nil && len(c.Confirm.Lacked)+len(c.Confirm.Found) > 0:
		return VersionThinkers
	case c.Confirm != nil && len(c.Confirm.Proven) > 0:
		return VersionStrangers
	case c.Confirm != nil && (c.Confirm.Slow || len(c.Confirm.Away) > 0):
		return VersionInput
	case c.Move != nil, c.SetOwner != nil, c.Forget != nil, c.See != nil, c.Runtime != nil:
		return VersionStrangers
	case c.Submit != nil:
		v, _ := c.Submit.Spec.version()
		return v
	case c.ChangeDenied != nil, c.RevokeToken != nil, c.EndNode != nil, c.BanOwner != nil, c.Share != nil, c.CreateToken != nil && (c.CreateToken.By != "" || c.CreateToken.Member), c.Admit != nil && c.Admit.Long:
		return VersionStrangers
	}
	return 0
}

// RaiseVersion brings the rules of a newer version into force.
type RaiseVersion struct {
	Version Version `cbor:"1,keyasint"`
}

// FoundGrid is the first command of a grid: its name, its first coordinator
// and its operator.
type FoundGrid struct {
	Grid        string `cbor:"1,keyasint"`
	Coordinator NodeID `cbor:"2,keyasint"`
	Operator    NodeID `cbor:"3,keyasint"`
	// Saboteurs is the share of strangers that the grid takes for saboteurs;
	// zero: DefaultSaboteurs.
	Saboteurs Prob `cbor:"4,keyasint,omitempty"`
}

// CreateToken stores a join token by the hash of its secret.
type CreateToken struct {
	Token   TokenID `cbor:"1,keyasint"`
	Role    Role    `cbor:"2,keyasint"`
	Expires Time    `cbor:"3,keyasint"`
	Uses    uint32  `cbor:"4,keyasint"`
	Owner   OwnerID `cbor:"5,keyasint,omitempty"` // empty: the token itself
	// Prior is the probability that the owner is a saboteur; zero: the grid's.
	Prior Prob `cbor:"6,keyasint,omitempty"`
	// Member: the workers are the operators' own, and gossip with the coordinators.
	Member bool `cbor:"30,keyasint,omitempty"`
	// By is the node of who makes it, where the rules in force can keep that.
	By NodeID `cbor:"45,keyasint,omitempty"`
	// Authority is the number of the one that the token names.
	Authority uint64 `cbor:"110,keyasint,omitempty"`
}

// AdmitNode trades one use of a token for membership.
type AdmitNode struct {
	Token   TokenID `cbor:"1,keyasint"`
	Node    NodeID  `cbor:"2,keyasint"`
	Role    Role    `cbor:"3,keyasint"`
	Address string  `cbor:"4,keyasint,omitempty"`
	// Long: its certificate is valid for longer than CertificateLife.
	Long bool `cbor:"45,keyasint,omitempty"`
	// Authority is the number of the one that certifies it.
	Authority uint64 `cbor:"110,keyasint,omitempty"`
}

// SubmitJob stores a job; the spec has its defaults filled in.
type SubmitJob struct {
	Job       JobID  `cbor:"1,keyasint"`
	Spec      Spec   `cbor:"2,keyasint"`
	Submitter NodeID `cbor:"3,keyasint"`
	Provider  string `cbor:"4,keyasint,omitempty"` // HOST:PORT
	// Seed decides in which order the tasks are opened; zero: in the
	// order of their index.
	Seed uint64 `cbor:"5,keyasint,omitempty"`
}

// CancelJob ends a job on behalf of a node.
type CancelJob struct {
	Job JobID  `cbor:"1,keyasint"`
	By  NodeID `cbor:"2,keyasint"`
}

// GrantLeases gives out attempts. Apply checks each grant again and passes
// over those that no longer hold.
type GrantLeases struct {
	Grants  []Grant `cbor:"1,keyasint"`
	Expires Time    `cbor:"2,keyasint"`
}

// Grant is one attempt for one worker.
type Grant struct {
	Lease  LeaseID `cbor:"1,keyasint"`
	Job    JobID   `cbor:"2,keyasint"`
	Place  Place   `cbor:"3,keyasint"` // of the task
	Worker NodeID  `cbor:"4,keyasint"`
	// Repeat: every live owner has run this task, so an owner
	// may try it again (with another node, or after an attempt without a vote).
	Repeat bool `cbor:"5,keyasint,omitempty"`
}

// RenewLeases puts off the end of leases whose workers were heard of, and gives those
// back that had ended in silence. All is what a new leader does: it has heard of
// nobody yet.
type RenewLeases struct {
	Leases  []LeaseID `cbor:"1,keyasint,omitempty"`
	All     bool      `cbor:"2,keyasint,omitempty"`
	Expires Time      `cbor:"3,keyasint"`
	// Paused are leases whose workers have long been paused, see Attempt.
	Paused []LeaseID `cbor:"4,keyasint,omitempty"`
	// Gone are leases that had ended in silence, and whose workers are back without
	// the work.
	Gone []LeaseID `cbor:"5,keyasint,omitempty"`
	// Workers were heard of with all that they hold, but for what they did not name.
	Workers []WorkerHeard `cbor:"160,keyasint,omitempty"`
}

// WorkerHeard is a worker that goes on with what it holds.
type WorkerHeard struct {
	_      struct{} `cbor:",toarray"`
	Worker NodeNumber
	// Unnamed are leases that it holds and did not name: they may be on their way to it, or
	// lost.
	Unnamed []LeaseID
}

// ExpireLeases voids all leases that have ended by the command's time, and claims
// of blobs that have not come within a day.
type ExpireLeases struct{}

const (
	// MaxReports bounds the reports that a worker hands in at once.
	MaxReports = 600
	// MaxReportBytes bounds those of one command by their Weight: it stays well below
	// replica.MaxCommand.
	MaxReportBytes = 400 << 10
)

// ReportAttempts says how attempts ended.
type ReportAttempts struct {
	Reports []Report `cbor:"1,keyasint"`
}

// Report says how one attempt ended. Reason is for people, see State.MaxReason.
type Report struct {
	Lease    LeaseID       `cbor:"1,keyasint"`
	Worker   NodeID        `cbor:"2,keyasint"`
	Status   AttemptStatus `cbor:"3,keyasint"`
	ExitCode uint32        `cbor:"4,keyasint,omitempty"`
	Output   blob.Ref      `cbor:"5,keyasint"`
	Reason   string        `cbor:"6,keyasint,omitempty"`
	Fetched  Traffic       `cbor:"7,keyasint"`
	Fuel     uint64        `cbor:"10,keyasint,omitempty"` // that the guest used; of votes
}

// Weight is about how many bytes the report takes in the log, and never too few.
func (r *Report) Weight() int { return 256 + len(r.Reason) }

const (
	// MaxReason bounds Report.Reason in bytes, where it holds nothing of a guest's log.
	MaxReason = 512
	// MaxFailure bounds it where it does: what happened, and 4 KiB of the log.
	MaxFailure = MaxReason + 4<<10
	// fewWords is about a line.
	fewWords = 100
)

// RoomFor is how long the reason of a report should be: where a job keeps no more of
// them, a few words are enough.
func (s *State) RoomFor(r *Report) int {
	room := s.MaxReason(r.Status)
	if p, _, held := s.Lease(r.Lease); held && len(s.Jobs[p.Job].Reasons) >= maxReasons {
		return min(room, fewWords)
	}
	return room
}

// MaxReason bounds the reason of a report by the rules in force.
func (s *State) MaxReason(status AttemptStatus) int {
	if s.can(VersionInput) && (status == Crashed || status == Killed) {
		return MaxFailure
	}
	return MaxReason
}

// Traffic counts bytes that a worker fetched, by the role of who served them.
type Traffic struct {
	FromSubmitter    int64 `cbor:"1,keyasint,omitempty"`
	FromCoordinators int64 `cbor:"2,keyasint,omitempty"`
	FromWorkers      int64 `cbor:"3,keyasint,omitempty"`
}

// Add adds u to t. The figures are a worker's word: what is absurd stops at
// the bounds.
func (t *Traffic) Add(u Traffic) {
	t.FromSubmitter = addBytes(t.FromSubmitter, u.FromSubmitter)
	t.FromCoordinators = addBytes(t.FromCoordinators, u.FromCoordinators)
	t.FromWorkers = addBytes(t.FromWorkers, u.FromWorkers)
}

func addBytes(sum, n int64) int64 { return sum + min(max(0, n), math.MaxInt64-sum) }

// ConfirmHeld says that a coordinator has blobs on its disk: results of tasks,
// bundle and input of whole jobs, and datasets; or that a job was refused.
type ConfirmHeld struct {
	Coordinator NodeID        `cbor:"1,keyasint"`
	Results     []HeldResults `cbor:"2,keyasint,omitempty"`
	Inputs      []JobID       `cbor:"3,keyasint,omitempty"`
	// Blobs are datasets. They count only once their sizes are known.
	Blobs []blob.ID `cbor:"4,keyasint,omitempty"`
	// Refused are jobs whose bundle the coordinator has looked at, and which no
	// worker would run, or whose input is not what they say.
	Refused []RefusedJob `cbor:"5,keyasint,omitempty"`
	// Sizes are those of datasets, as their manifests have them.
	Sizes []blob.Ref `cbor:"6,keyasint,omitempty"`
	// Lost turns it round: the coordinator has lost these results, inputs and
	// datasets.
	Lost bool `cbor:"7,keyasint,omitempty"`
	// Missing are results that the coordinator has long failed to get from anybody.
	// Those that no coordinator holds are computed again.
	Missing []HeldResults `cbor:"8,keyasint,omitempty"`
	// Slow: the missing ones come, or may, but later than if they are computed again.
	// That is the fault of a line and of nobody.
	Slow bool `cbor:"9,keyasint,omitempty"`
	// Away are coordinators that are not there: what they alone hold is missing too.
	Away []NodeID `cbor:"10,keyasint,omitempty"`
	// Proven are blobs that whoever named them has proved to have.
	Proven []ProvenBlobs `cbor:"45,keyasint,omitempty"`
	// Lacked are jobs whose tasks read what nobody has who is there, and Found such as
	// were lacked, and are not any more. Only the leader says so.
	Lacked []LackedInput `cbor:"93,keyasint,omitempty"`
	Found  []JobID       `cbor:"94,keyasint,omitempty"`
}

// RefusedJob says why a job cannot be run.
type RefusedJob struct {
	Job    JobID  `cbor:"1,keyasint"`
	Reason string `cbor:"2,keyasint"`
}

// HeldResults names results of a job by their positions in its order of acceptance:
// a task's result may change after it was copied.
type HeldResults struct {
	Job       JobID      `cbor:"1,keyasint"`
	Sequences []Sequence `cbor:"2,keyasint"`
}

// ConcedeJob finishes a job that has all its results but not the certainty that
// was asked for, since nobody is left to ask. Only the leader knows which workers
// are alive; Apply checks the rest.
//
// With Tasks it gives those up that are forlorn, and the job goes on, see Forlorn.
type ConcedeJob struct {
	Job   JobID   `cbor:"1,keyasint"`
	Tasks []Place `cbor:"80,keyasint,omitempty"`
}

// AccusePeers says that nodes served wrong bytes to the node By.
type AccusePeers struct {
	By    NodeID   `cbor:"1,keyasint"`
	Nodes []NodeID `cbor:"2,keyasint"`
	// Proof is what one of them has signed.
	Proof *blob.Misserved `cbor:"80,keyasint,omitempty"`
}

// Outcome is what applying a command answers.
type Outcome struct {
	Rejection *Rejection `cbor:"1,keyasint,omitempty"`
	Job       JobID      `cbor:"2,keyasint,omitempty"` // of Submit
	Owner     OwnerID    `cbor:"3,keyasint,omitempty"` // of Admit
	Granted   []LeaseID  `cbor:"4,keyasint,omitempty"` // of Grant: those that held
}

func rejected(r *Rejection) Outcome { return Outcome{Rejection: r} }
