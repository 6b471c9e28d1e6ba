package keeper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// keeping is a keeper of c1 with peers on loopback.
type keeping struct {
	*Keeper
	lab      *voter.Voter
	gossip   []membership.Member
	confirms atomic.Int32
	failing  atomic.Int32    // confirmations that are to fail
	held     []jobs.Sequence // sequences that were confirmed
}

func newKeeping(l *voter.Voter, store *blobstore.Store) *keeping {
	l.Helper()
	k := &keeping{lab: l}
	dialer := &dialer{conns: map[string]*grpc.ClientConn{}}
	sw, err := swarm.New(swarm.Config{Store: store, Dial: dialer.dial, Patience: 300 * time.Millisecond})
	if err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		sw.Close()
		dialer.close()
	})
	k.Keeper = New(Config{
		Node: "c1", Replica: l.Replica, Store: store, Swarm: sw, Logger: voter.Quiet, Confirm: k.note,
		Members: func() []membership.Member { return k.gossip },
		Spent:   func() error { return nil },
	})
	return k
}

// keepInputs has a look at all that is to be held.
func (k *keeping) keepInputs(ctx context.Context, copies *sync.WaitGroup) {
	k.keepJobs(ctx, copies)
	k.keepDatasets(ctx, copies)
}

// has are outputs that came to the coordinator with reports.
func (k *keeping) has(outputs ...string) {
	k.lab.Helper()
	var all [][]byte
	for _, s := range outputs {
		all = append(all, []byte(s))
	}
	if err := k.Store(all); err != nil {
		k.lab.Fatal(err)
	}
}

func (k *keeping) note(ctx context.Context, c jobs.ConfirmHeld) error {
	if k.failing.Add(-1) >= 0 {
		return context.DeadlineExceeded
	}
	k.confirms.Add(1)
	for _, h := range c.Results {
		if c.Lost {
			break
		}
		k.held = append(k.held, h.Sequences...)
	}
	_, err := k.lab.Propose(ctx, jobs.Command{At: jobs.TimeOf(time.Now()), Confirm: &c})
	return err
}

// peer starts a peer and lets gossip tell of it. It has nothing yet.
func (k *keeping) peer(id jobs.NodeID) *blobstore.Store {
	k.lab.Helper()
	return k.peerOn(id, throttle.Limits{})
}

// peerOn is peer behind a line.
func (k *keeping) peerOn(id jobs.NodeID, line throttle.Limits) *blobstore.Store {
	k.lab.Helper()
	store := openStore(k.lab, k.lab.TempDir())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.lab.Fatal(err)
	}
	server := grpc.NewServer()
	anthillv1.RegisterPieceServiceServer(server, swarm.NewServer(swarm.ServerConfig{Store: store}))
	go server.Serve(throttle.New(line, nil).Listen(listener))
	k.lab.Cleanup(server.Stop)
	k.gossip = append(k.gossip, membership.Member{Node: id, Address: listener.Addr().String(), Status: membership.Alive})
	return store
}

func openStore(t testing.TB, dir string) *blobstore.Store {
	t.Helper()
	s, err := blobstore.Open(blobstore.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func put(t testing.TB, s *blobstore.Store, data []byte) blob.Ref {
	t.Helper()
	ref, err := s.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

type dialer struct {
	mu    sync.Mutex
	conns map[string]*grpc.ClientConn
}

func (d *dialer) dial(_ context.Context, address string) (grpc.ClientConnInterface, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conns[address] == nil {
		c, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		d.conns[address] = c
	}
	return d.conns[address], nil
}

func (d *dialer) close() {
	for _, c := range d.conns {
		c.Close()
	}
}

func TestKeeperTakesResultsFromReportsAndPeers(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1, w2 := k.peer("w1"), k.peer("w2")
	large := bytes.Repeat([]byte("large "), 100_000)
	l.Submit("j", 5)
	reported := l.Accept("j", 0, "w1", []byte("reported"))
	k.has("reported")
	refs := []blob.Ref{
		reported, l.Accept("j", 1, "w1", []byte("of w1")), l.Accept("j", 2, "w2", []byte("of w2")),
		l.Accept("j", 3, "w1", nil), l.Accept("j", 4, "w2", large),
	}
	put(t, w1, []byte("of w1"))
	put(t, w2, []byte("of w2"))
	put(t, w2, large)
	k.keepResults(t.Context())
	for i, ref := range refs {
		data, here := k.Result(ref)
		if !here || ref.Size <= blob.MinPiece && blob.Of(data).Ref() != ref {
			t.Errorf("result %d: here %v, %q", i, here, data)
		}
	}
	if data, _ := k.Result(refs[4]); data != nil {
		t.Error("a large result comes as a whole")
	}
	if state := l.JobState("j"); state != jobs.JobSucceeded {
		t.Errorf("the job is %v after its results are held", state)
	}
	k.keepResults(t.Context())
	if n := k.confirms.Load(); n != 1 {
		t.Errorf("%d confirmations, want one for all", n)
	}
}

func TestKeeperTriesAgainAndGoesOnWithOtherJobs(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1 := k.peer("w1")
	l.Submit("a", 2)
	l.Submit("b", 1)
	lost := l.Accept("a", 0, "w1", []byte("not there yet"))
	l.Accept("a", 1, "w1", []byte("there"))
	l.Accept("b", 0, "w1", []byte("of b"))
	put(t, w1, []byte("there"))
	put(t, w1, []byte("of b"))
	k.keepResults(t.Context())
	if l.JobState("b") != jobs.JobSucceeded {
		t.Error("a job waits for another's result")
	}
	p := k.copied["a"]
	if _, here := k.Result(lost); here || p.cursor != 2 || len(p.behind.list) != 1 || p.behind.pause != keepRetry {
		t.Errorf("after a miss: here %v, progress %+v", here, p)
	}
	for range 8 { // nothing comes of it
		p.behind.retry = time.Time{}
		k.keepResults(t.Context())
	}
	if p.behind.pause != keepRetryMax {
		t.Errorf("pause %v after eight misses, want %v", p.behind.pause, keepRetryMax)
	}
	put(t, w1, []byte("not there yet"))
	k.keepResults(t.Context())
	if _, here := k.Result(lost); here {
		t.Error("it did not leave alone what it could not get")
	}
	p.behind.retry = time.Time{}
	k.keepResults(t.Context())
	if l.JobState("a") != jobs.JobSucceeded {
		t.Error("the result was not fetched when it was there again")
	}
}

// TestWhatIsWithheldHoldsUpNothingAfterIt, however much that is.
func TestWhatIsWithheldHoldsUpNothingAfterIt(t *testing.T) {
	t.Parallel()
	for size, withheld := range map[int]int{10: 2*keepBatch + 3, blob.MinPiece + 10: 2*keepLarge + 3} {
		l := voter.New(t)
		l.Admit(jobs.Worker, "w1", "w2")
		k := newKeeping(l, openStore(t, t.TempDir()))
		k.peer("w1")
		w2 := k.peer("w2")
		l.Submit("j", 1000)
		result := func(i int) []byte { return append(make([]byte, size), fmt.Sprint(i)...) }
		for i := range withheld {
			l.Accept("j", jobs.Place(i), "w1", result(i))
		}
		l.Accept("j", jobs.Place(withheld), "w2", result(withheld))
		put(t, w2, result(withheld))
		for range 4 {
			k.keepResults(t.Context())
		}
		if !slices.Equal(k.held, []jobs.Sequence{jobs.Sequence(withheld)}) {
			t.Errorf("of %d results of %d bytes: held %v, want the last alone", withheld+1, size, k.held)
		}
		for range 4 { // those that were behind first must not stay for ever in the way of the rest
			k.later("j")
		}
		if n := k.accepted("j"); n != 1 {
			t.Errorf("%d results are left, want that which is held", n)
		}
		k.later("j")
		if n := len(k.copied["j"].behind.list); n != 0 {
			t.Errorf("%d results are behind that nobody wants any more", n)
		}
	}
}

// TestRewindForgetsNothing of what is behind, and tries nothing twice.
func TestRewindForgetsNothing(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	k.peer("w1")
	l.Submit("j", 3)
	for i, data := range []string{"first", "second", "third"} {
		l.Accept("j", jobs.Place(i), "w1", []byte(data))
	}
	k.has("second")
	k.keepResults(t.Context())
	k.rewind("j", 1)
	k.keepResults(t.Context())
	var behind []jobs.Sequence
	for _, b := range k.copied["j"].behind.list {
		behind = append(behind, b.sequence)
	}
	if !slices.Equal(behind, []jobs.Sequence{0, 2}) {
		t.Errorf("behind are %v, want the first and the third", behind)
	}
}

func TestKeeperConfirmsAgainWhatTheLeaderDidNotHear(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	k := newKeeping(l, openStore(t, t.TempDir()))
	l.Submit("j", 1)
	l.Accept("j", 0, "w1", []byte("x"))
	k.has("x")
	k.failing.Store(1)
	k.keepResults(t.Context())
	if l.JobState("j") == jobs.JobSucceeded {
		t.Fatal("succeeded without a confirmation")
	}
	k.copied["j"].retry = time.Time{}
	k.keepResults(t.Context())
	if l.JobState("j") != jobs.JobSucceeded {
		t.Error("it did not confirm again")
	}
}

func TestKeeperAfterARestart(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1")
	l.Admit(jobs.Coordinator, "c2")
	dir := t.TempDir()
	store, err := blobstore.Open(blobstore.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	k := newKeeping(l, store)
	l.Submit("j", 2)
	kept := l.Accept("j", 0, "w1", []byte("kept"))
	l.Accept("j", 1, "w1", []byte("rotten"))
	k.has("kept", "rotten")
	k.keepResults(t.Context())
	l.Do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: "c2", Results: []jobs.HeldResults{{Job: "j", Sequences: []jobs.Sequence{0, 1}}}}})
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}

	store = openStore(t, dir)
	if err := store.Delete(blob.Of([]byte("rotten")).ID()); err != nil {
		t.Fatal(err)
	}
	k = newKeeping(l, store)
	put(t, k.peer("c2"), []byte("rotten"))
	k.keepResults(t.Context())
	if n := k.confirms.Load(); n != 1 {
		t.Errorf("%d confirmations, want one, of what was fetched again", n)
	}
	if err := store.Delete(kept.ID); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("delete a result of before the restart: %v, want it pinned", err)
	}
	if !store.Complete(blob.Of([]byte("rotten")).ID()) {
		t.Error("a result that the disk lost was not fetched again")
	}
}

// accepted makes data the result of a place, as if by a verdict, and without
// data takes its result back. Nobody else may look at the state meanwhile.
func accepted(l *voter.Voter, id jobs.JobID, place jobs.Place, data string, by ...jobs.NodeID) {
	l.View(func(s *jobs.State) {
		j := s.Jobs[id]
		if data == "" {
			j.Closed[place] = jobs.ClosedTask{}
			delete(j.Unheld, place)
			return
		}
		j.Closed[place] = jobs.ClosedTask{Output: blob.Of([]byte(data)).Ref(), Sequence: jobs.Sequence(len(j.Order))}
		j.Order = append(j.Order, place)
		j.Unheld[place] = by
	})
}

func TestKeeperPassesOverStaleResults(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w2 := k.peer("w2")
	l.Submit("j", 3)
	wrong := l.Accept("j", 0, "w1", []byte("wrong, and gone with the liar"))
	retaken := l.Accept("j", 1, "w1", []byte("taken back"))
	accepted(l, "j", 0, "right", "w2")
	accepted(l, "j", 1, "")
	put(t, w2, []byte("right"))
	k.keepResults(t.Context())
	if p := k.copied["j"]; p.cursor != 3 || p.pause != 0 {
		t.Errorf("progress %+v: it waits for a result that nobody wants", p)
	}
	if _, here := k.Result(blob.Of([]byte("right")).Ref()); !here {
		t.Error("the result that counts was not copied")
	}
	for _, ref := range []blob.Ref{wrong, retaken} {
		if _, here := k.Result(ref); here {
			t.Errorf("a stale result was copied")
		}
	}
	if !slices.Equal(k.held, []jobs.Sequence{2}) {
		t.Errorf("the sequences %v were confirmed, want the last alone", k.held)
	}
}

// What replaces a result that was copied already is copied too.
func TestKeeperCopiesTheResultThatReplacesAnother(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w2 := k.peer("w2")
	l.Submit("j", 2)
	l.Accept("j", 0, "w1", []byte("wrong"))
	k.has("wrong")
	k.keepResults(t.Context())
	accepted(l, "j", 0, "right", "w2")
	k.keepResults(t.Context())
	holds := func() (yes bool) {
		l.View(func(s *jobs.State) { yes = s.Holds(s.Jobs["j"], 0, "c1") })
		return yes
	}
	if holds() {
		t.Fatal("it confirms what it has not got")
	}
	put(t, w2, []byte("right"))
	k.copied["j"].behind.retry = time.Time{}
	k.keepResults(t.Context())
	if _, here := k.Result(blob.Of([]byte("right")).Ref()); !here || !holds() {
		t.Errorf("here %v, confirmed %v", here, holds())
	}
}

// TestWhatWasTakenBackMayGo: or else each liar leaves his large results on all disks.
func TestWhatWasTakenBackMayGo(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Worker, "w1", "w2")
	k := newKeeping(l, openStore(t, t.TempDir()))
	w1, w2 := k.peer("w1"), k.peer("w2")
	wrong, right := bytes.Repeat([]byte("wrong"), blob.MinPiece), bytes.Repeat([]byte("right"), blob.MinPiece)
	l.Submit("j", 2)
	put(t, w1, wrong)
	put(t, w2, right)
	l.Accept("j", 0, "w1", wrong)
	k.keepResults(t.Context())
	id := blob.Of(wrong).ID()
	if err := k.cfg.Store.Delete(id); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("delete a result that counts: %v", err)
	}
	k.rewind("j", 0) // what is looked at twice is no more pinned than once
	k.keepResults(t.Context())
	accepted(l, "j", 0, string(right), "w2")
	k.keepResults(t.Context())
	if err := k.cfg.Store.Delete(id); err != nil {
		t.Errorf("delete a result that was taken back: %v", err)
	}
	if err := k.cfg.Store.Delete(blob.Of(right).ID()); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("delete what replaced it: %v", err)
	}
}

func TestProvidersThatAreAliveComeFirst(t *testing.T) {
	members := map[jobs.NodeID]membership.Member{
		"dead": {Node: "dead", Address: "dead:1", Status: membership.Failed},
		"here": {Node: "here", Address: "here:1", Status: membership.Alive},
	}
	s := jobs.NewState()
	s.Nodes["silent"] = &jobs.Node{Address: "silent:1"}
	s.Nodes["nowhere"] = &jobs.Node{}
	var got []string
	for _, p := range providers(s, members, []jobs.NodeID{"dead", "silent", "nowhere", "unknown", "here"}) {
		got = append(got, p.Address)
		if string(p.Node)+":1" != p.Address {
			t.Errorf("whoever answers at %s is told what the result of %s is", p.Address, p.Node)
		}
	}
	if want := []string{"here:1", "dead:1", "silent:1"}; !slices.Equal(got, want) {
		t.Errorf("providers %v, want %v", got, want)
	}
}

func TestKeeperKeepsInputsWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	put(t, k.peer("submitter"), voter.Bundle)
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Provider = k.gossip[0].Address })
	l.Submit("twin", 1)
	var copies sync.WaitGroup
	k.keepInputs(t.Context(), &copies)
	k.keepInputs(t.Context(), &copies) // takes nothing twice
	l.Until("the inputs of both are confirmed", func() (yes bool) {
		l.View(func(s *jobs.State) { yes = s.Jobs["j"].InputCopies() == 1 && s.Jobs["twin"].InputCopies() == 1 })
		return yes
	})
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: "op"}})
	k.keepInputs(t.Context(), &copies)
	if !k.isInput(blob.Of(voter.Bundle).ID()) {
		t.Error("the bundle is let go while another job needs it")
	}
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "twin", By: "op"}})
	k.keepInputs(t.Context(), &copies)
	if k.isInput(blob.Of(voter.Bundle).ID()) || len(k.inputs)+len(k.taken) != 0 {
		t.Error("workers may read the bundle of finished jobs")
	}
	copies.Wait()
}

func TestKeeperHoldsDatasetsUntilTheyAreDropped(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	data := blob.Of([]byte("dataset")).Ref()
	keep := jobs.Command{Keep: &jobs.KeepBlob{Blob: data, By: "op", Provider: "127.0.0.1:1", Room: 1 << 30}} // where nobody is
	l.Do(keep)
	var copies sync.WaitGroup
	k.keepInputs(t.Context(), &copies)
	put(t, k.peer("submitter"), []byte("dataset"))
	keep.Keep.Provider = k.gossip[0].Address // put again from elsewhere
	l.Do(keep)
	k.keepInputs(t.Context(), &copies)
	held := func() (n int) {
		l.View(func(s *jobs.State) { n = s.Datasets[data.ID].Copies() })
		return n
	}
	l.Until("it is confirmed", func() bool { return held() == 1 })
	if k.isInput(data.ID) {
		t.Error("workers may read what no job names")
	}
	if err := k.cfg.Store.Delete(data.ID); !errors.Is(err, blobstore.ErrPinned) {
		t.Errorf("it may be evicted: %v", err)
	}
	l.Do(jobs.Command{Drop: &jobs.DropBlob{Blob: data.ID, By: "op"}})
	k.keepInputs(t.Context(), &copies)
	copies.Wait()
	if err := k.cfg.Store.Delete(data.ID); err != nil {
		t.Errorf("it is held after it was dropped: %v", err)
	}
}

// TestKeeperAsksAllWhoClaimADataset: the last of them may be gone.
func TestKeeperAsksAllWhoClaimADataset(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Submitter, "first", "second", "third")
	k := newKeeping(l, openStore(t, t.TempDir()))
	data := put(t, k.peer("submitter"), []byte("dataset"))
	for i, by := range []jobs.NodeID{"first", "second", "third"} {
		at := []string{"127.0.0.1:1", k.gossip[0].Address, "127.0.0.1:2"}[i]
		l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: data, By: by, Provider: at, Room: 1 << 30}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var copies sync.WaitGroup
	defer copies.Wait()
	defer cancel()
	k.keepInputs(ctx, &copies)
	l.Until("it is here", func() bool { return k.cfg.Store.Complete(data.ID) })
}

// TestKeeperFindsOutWrongSizes has a dataset and a job of which less is said than
// there is.
func TestKeeperFindsOutWrongSizes(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	l.Admit(jobs.Submitter, "liar")
	k := newKeeping(l, openStore(t, t.TempDir()))
	data := bytes.Repeat([]byte("dataset "), 1<<16)
	ref, small := blob.Of(data).Ref(), blob.Ref{ID: blob.Of(data).ID(), Size: 1000}
	put(t, k.peer("submitter"), data)
	at := k.gossip[0].Address
	l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: small, By: "liar", Provider: at, Room: 1 << 30}})
	put(t, k.cfg.Store, voter.Bundle)
	l.Submit("j", 1, func(c *jobs.SubmitJob) {
		c.Provider, c.Spec.Data = at, []jobs.DataFile{{Name: "d", Blob: small}}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var copies sync.WaitGroup
	defer copies.Wait()
	defer cancel()
	k.keepInputs(ctx, &copies)
	l.Until("the job fails", func() bool { return l.JobState("j") == jobs.JobFailed })
	l.View(func(s *jobs.State) {
		if want := "it has 524288 bytes, and the job says 1000"; !strings.Contains(s.Jobs["j"].Reason, want) {
			t.Errorf("it failed because %q, want %q", s.Jobs["j"].Reason, want)
		}
	})
	l.Until("the claim goes", func() (gone bool) {
		l.View(func(s *jobs.State) { gone = s.Datasets[ref.ID] == nil })
		return gone
	})
	l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: ref, By: "op", Provider: at, Room: 1 << 30}})
	k.keepInputs(ctx, &copies)
	l.Until("the honest claim is confirmed", func() (held bool) {
		l.View(func(s *jobs.State) { held = s.Datasets[ref.ID].Copies() == 1 })
		return held
	})
}

func TestKeeperGivesUpInputsWithTheJob(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never says a word
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	l.Submit("j", 1, func(c *jobs.SubmitJob) { c.Provider = silent.Addr().String() })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		k.Run(ctx)
		close(ended)
	}()
	waits := func() int {
		k.mu.Lock()
		defer k.mu.Unlock()
		return len(k.taken)
	}
	l.Until("it copies", func() bool { return waits() == 1 })
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: "op"}})
	l.Until("it lets go", func() bool { return waits() == 0 })
	cancel()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the keeper does not end")
	}
	if n := k.confirms.Load(); n != 0 {
		t.Errorf("%d confirmations of what it does not have", n)
	}
}

// TestKeeperRefusesBundles has submitters who did not screen what they sent.
func TestKeeperRefusesBundles(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	foreign := handmade.Spec{Pages: 1, Imports: []handmade.Import{{Module: "env", Name: "js_log"}}}.Encode()
	untyped := handmade.Spec{Pages: 1, Code: []byte{0x6a}}.Encode() // i32.add of nothing
	refs := []blob.Ref{put(t, k.cfg.Store, []byte("no module")), put(t, k.cfg.Store, foreign), put(t, k.cfg.Store, voter.Bundle), put(t, k.cfg.Store, untyped)}
	for i, id := range []jobs.JobID{"text", "refuse", "trap", "small", "untyped"} {
		l.Submit(id, 1, func(c *jobs.SubmitJob) {
			c.Spec.Bundle = refs[[]int{0, 1, 1, 2, 3}[i]]
			if id == "trap" {
				c.Spec.UnknownImports = jobs.TrapUnknown
			}
		})
	}
	var copies sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer copies.Wait()
	defer cancel()
	k.keepInputs(ctx, &copies)
	l.Until("all have been looked at", func() (yes bool) {
		l.View(func(s *jobs.State) {
			yes = true
			for _, j := range s.Jobs {
				yes = yes && j.InputCopies() == 1
			}
		})
		return yes
	})
	for id, want := range map[jobs.JobID]string{
		"text": "bundle: not a WebAssembly module", "refuse": `bundle: module imports "env"."js_log"`, "trap": "", "small": "",
		"untyped": "bundle: module is not valid: its own function 0, opcode 0x6a",
	} {
		l.View(func(s *jobs.State) {
			j := s.Jobs[id]
			if failed := j.State == jobs.JobFailed; failed != (want != "") || !strings.HasPrefix(j.Reason, want) {
				t.Errorf("%s is %v because %q, want %q", id, j.State, j.Reason, want)
			}
		})
	}
}
