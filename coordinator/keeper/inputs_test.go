package keeper

import (
	"crypto/rand"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// shards is how many tasks arrivals have: each reads one piece.
const shards = 48

// arrival is a job whose input comes to a keeper from a submitter behind a slow line.
type arrival struct {
	*keeping
	leads     atomic.Bool
	news      atomic.Int32
	submitter *blobstore.Store
	input     blob.Ref
}

func newArrival(t *testing.T, line throttle.Limits) *arrival {
	l := voter.New(t)
	a := &arrival{keeping: newKeeping(l, openStore(t, t.TempDir()))}
	a.cfg.Leads, a.cfg.Ready = a.leads.Load, func() { a.news.Add(1) }
	a.submitter = a.peerOn("submitter", line)
	put(t, a.submitter, voter.Bundle)
	data := make([]byte, shards*blob.MinPiece)
	rand.Read(data)
	a.input = put(t, a.submitter, data)
	return a
}

func (a *arrival) submit(change ...func(*jobs.SubmitJob)) {
	a.lab.Submit("j", 1, append([]func(*jobs.SubmitJob){func(c *jobs.SubmitJob) {
		c.Spec.Input = jobs.Input{Blob: &jobs.BlobInput{Blob: a.input, ShardSize: blob.MinPiece}}
		c.Seed, c.Provider = 7, a.workers[0].Address
	}}, change...)...)
}

func (a *arrival) ready() (ready jobs.Place) {
	a.lab.View(func(s *jobs.State) { ready = a.Ready(s, "j") })
	return ready
}

func (a *arrival) lacks() (w waits.Wait) {
	a.lab.View(func(s *jobs.State) { w = a.Lacks(s, "j") })
	return w
}

// pieces is how many pieces of the input are here.
func (a *arrival) pieces() int {
	_, have, err := a.cfg.Store.Have(a.input.ID)
	if err != nil {
		return 0
	}
	return have.Count()
}

// slowLine carries a piece in some 30 ms.
var slowLine = throttle.Limits{Up: 8 << 20}

// TestInputsComeInTheOrderOfTheTasks, so that the first can begin while the rest comes.
func TestInputsComeInTheOrderOfTheTasks(t *testing.T) {
	t.Parallel()
	a := newArrival(t, slowLine)
	a.leads.Store(true)
	a.submit()
	defer a.keepInBackground()()
	var seen []jobs.Place
	a.lab.Until("all is here", func() bool {
		n := a.pieces()
		ready := a.ready()
		if int(ready) < n-walkAhead {
			t.Fatalf("%d pieces are here, and only the first %d tasks can be run", n, ready)
		}
		if ready > 0 && ready < shards && (len(seen) == 0 || seen[len(seen)-1] != ready) {
			seen = append(seen, ready)
		}
		return ready == everything
	})
	if len(seen) < 5 || a.news.Load() < 5 {
		t.Errorf("tasks could be run in these steps: %v, of which it told %d times; want many", seen, a.news.Load())
	}
	a.lab.Until("it says so", func() bool { return a.confirms.Load() == 1 })
}

// TestWhoComesToLeadFetchesInOrder what it had begun to fetch anyhow.
func TestWhoComesToLeadFetchesInOrder(t *testing.T) {
	t.Parallel()
	a := newArrival(t, slowLine)
	a.submit()
	defer a.keepInBackground()()
	a.lab.Until("something is here", func() bool { return a.pieces() > 4 })
	if ready := a.ready(); ready != 0 {
		t.Errorf("%d tasks can be run according to one that does not lead", ready)
	}
	a.leads.Store(true)
	a.lab.Until("tasks can be run before all is here", func() bool { return a.ready() > 0 })
	if ready := a.ready(); ready == everything {
		t.Error("all was here first")
	}
}

// TestBundlesAreRefusedBeforeTheInputComes.
func TestBundlesAreRefusedBeforeTheInputComes(t *testing.T) {
	t.Parallel()
	a := newArrival(t, throttle.Limits{Up: 64 << 10}) // all would take minutes
	a.leads.Store(true)
	bad := put(t, a.submitter, []byte("no module"))
	a.submit(func(c *jobs.SubmitJob) { c.Spec.Bundle = bad })
	defer a.keepInBackground()()
	a.lab.Until("the job has failed", func() bool { return a.lab.JobState("j") == jobs.JobFailed })
	if ready := a.ready(); ready != 0 {
		t.Errorf("tasks below %d could be run", ready)
	}
}

// TestWhatAJobLacks is said, and whose fault it is.
func TestWhatAJobLacks(t *testing.T) {
	t.Parallel()
	a := newArrival(t, slowLine)
	a.leads.Store(true)
	a.submit(func(c *jobs.SubmitJob) { c.Provider = "127.0.0.1:1" }) // where nobody listens
	nothing := func(w waits.Wait) bool { return w.Reason == waits.None }
	if w := a.lacks(); !nothing(w) {
		t.Errorf("it lacks %+v before anybody has looked", w)
	}
	stop := a.keepInBackground()
	a.lab.Until("the submitter is away", func() bool { return a.lacks().Reason == waits.InputAway })
	if w := a.lacks(); w.Detail != "49 of 49 pieces are with nobody" || w.Since.IsZero() {
		t.Errorf("it lacks %+v", w)
	}
	if a.ready() != 0 {
		t.Error("its tasks can be run")
	}
	stop()

	a.lab.Admit(jobs.Coordinator, "c2")
	hold := func(by jobs.NodeID, lost bool) {
		a.lab.Do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: by, Inputs: []jobs.JobID{"j"}, Lost: lost}})
	}
	hold("c2", false)
	if why := a.lacks(); !nothing(why) || a.ready() != everything {
		t.Errorf("it lacks %+v, and tasks below %d can be run, though another coordinator holds all", why, a.ready())
	}
	a.cfg.Members = func() []membership.Member { return []membership.Member{{Node: "c2", Status: membership.Failed}} }
	a.mu.Lock()
	a.roll.called = time.Time{}
	a.mu.Unlock()
	if why := a.lacks(); why.Reason != waits.InputLost || !slices.Equal(why.Whom, []string{"c2's c2"}) || a.ready() != 0 {
		t.Errorf("it lacks %+v, and tasks below %d can be run, though the only coordinator that holds it is away", why, a.ready())
	}
	hold("c1", false)
	if why := a.lacks(); !nothing(why) || a.ready() != everything {
		t.Errorf("it lacks %+v, and tasks below %d can be run, though this coordinator holds all", why, a.ready())
	}
	hold("c1", true)
	a.lab.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: "op"}})
	if why := a.lacks(); !nothing(why) {
		t.Errorf("a job that is over lacks %+v", why)
	}
}

// TestInputThatNobodyBringsEndsItsJob and, until then, the job says how long it waits.
func TestInputThatNobodyBringsEndsItsJob(t *testing.T) {
	t.Parallel()
	a := newArrival(t, slowLine)
	a.leads.Store(true)
	a.every = 50 * time.Millisecond
	a.submit(func(c *jobs.SubmitJob) {
		c.Provider = "127.0.0.1:1" // where nobody listens
		c.Spec.InputWait = 2 * time.Second
	})
	defer a.keepInBackground()()
	a.lab.Until("it says until when it waits", func() bool { return !a.lacks().Until.IsZero() })
	a.lab.Until("it ends", func() bool { return a.lab.JobState("j") == jobs.JobFailed })
	a.lab.View(func(s *jobs.State) {
		if why := s.Jobs["j"].Reason; why != "input: 49 of 49 pieces are with nobody; nobody brought it for 2s (input_wait)" {
			t.Error(why)
		}
	})
}

// TestInputThatCameIsNotWaitedFor, whatever was said before.
func TestInputThatCameIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	a := newArrival(t, throttle.Limits{})
	a.leads.Store(true)
	a.every = 50 * time.Millisecond
	a.submit()
	a.lab.Do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c1", Lacked: []jobs.LackedInput{{Job: "j"}}}})
	defer a.keepInBackground()()
	a.lab.Until("it waits no more", func() (over bool) {
		a.lab.View(func(s *jobs.State) { _, waits := s.Jobs["j"].InputUntil(); over = !waits })
		return over
	})
}

// TestLabelsComeFirst, so that a job that fails at once can say what its tasks read: they
// are here before a task can be run, and though the bundle is refused.
func TestLabelsComeFirst(t *testing.T) {
	t.Parallel()
	a := newArrival(t, throttle.Limits{Up: 64 << 10}) // all would take minutes
	a.leads.Store(true)
	bad, labels := put(t, a.submitter, []byte("no module")), put(t, a.submitter, []byte("labels"))
	a.submit(func(c *jobs.SubmitJob) { c.Spec.Bundle, c.Spec.Input.Blob.Labels = bad, &labels })
	defer a.keepInBackground()()
	a.lab.Until("the job has failed", func() bool { return a.lab.JobState("j") == jobs.JobFailed })
	if !a.cfg.Store.Complete(labels.ID) {
		t.Error("its labels are not here")
	}
}

// TestTroubleOfTheCoordinatorIsNotTheSubmitters.
func TestTroubleOfTheCoordinatorIsNotTheSubmitters(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	store, err := blobstore.Open(blobstore.Config{Dir: t.TempDir(), Quota: 100})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	k := newKeeping(l, store)
	bundle := put(t, k.peer("submitter"), make([]byte, 1000))
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Spec.Bundle, c.Provider = bundle, k.workers[0].Address })
	defer k.keepInBackground()()
	l.Until("it says what is wrong", func() (yes bool) {
		l.View(func(s *jobs.State) {
			why := k.Lacks(s, "j")
			yes = why.Reason == waits.InputTrouble && slices.Equal(why.Whom, []string{"operator's c1"}) && strings.Contains(why.Detail, "full")
		})
		return yes
	})
}
