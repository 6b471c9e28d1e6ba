package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/session"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// crew are the fake workers of this process.
type crew struct {
	slots int
	took  time.Duration
	beats latencies
	works sync.WaitGroup
	end   context.CancelFunc
}

// fake is a worker whose tasks give their own number, after some time.
type fake struct {
	*crew
	dir  *identity.Directory
	conn *gridconn.Conn

	mu    sync.Mutex
	holds map[uint64]bool // leases that are not handed in
	ended []*anthillv1.AttemptReport
	news  chan struct{}
	sent  time.Time // when the beat was that has no answer yet
}

// hire enrols the workers, and has them work until dismiss.
func (b *bench) hire(ctx context.Context) (*crew, error) {
	c := &crew{slots: b.cfg.slots, took: b.cfg.took}
	tokens := make([]identity.Token, min(b.cfg.owners, b.cfg.workers))
	for i := range tokens {
		made, err := b.client.CreateToken(ctx, &anthillv1.CreateTokenRequest{
			Role: anthillv1.Role_ROLE_WORKER, Owner: fmt.Sprint("owner", i), Uses: uint32(b.cfg.workers), Lifetime: durationpb.New(time.Hour),
		})
		if err != nil {
			return nil, err
		}
		if tokens[i], err = identity.ParseToken(made.GetToken()); err != nil {
			return nil, err
		}
	}
	list := make([]*fake, b.cfg.workers)
	group, enrolling := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range list {
		group.Go(func() (err error) {
			list[i], err = c.enrol(enrolling, tokens[i%len(tokens)])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	ctx, c.end = context.WithCancel(ctx)
	for _, f := range list {
		c.works.Go(func() { f.attend(ctx) })
		c.works.Go(func() { f.offer(ctx) })
		c.works.Go(func() { f.deliver(ctx) })
	}
	return c, nil
}

func (c *crew) dismiss() {
	c.end()
	c.works.Wait()
}

func (c *crew) enrol(ctx context.Context, token identity.Token) (*fake, error) {
	key, err := identity.NewKey()
	if err != nil {
		return nil, err
	}
	// Nobody listens there: results have at most a piece, and come with the reports.
	e, err := enrol.Enrol(ctx, enrol.Config{Token: token, Key: key, Role: jobs.Worker, Address: "127.0.0.1:1"})
	if err != nil {
		return nil, err
	}
	return &fake{crew: c, dir: e.Directory, holds: map[uint64]bool{}, news: make(chan struct{}, 1)}, nil
}

// attend has the worker's session.
func (f *fake) attend(ctx context.Context) {
	sleep(ctx, rand.N(time.Second)) // workers do not start at once
	s := session.New(session.Config{
		Identity: f.dir.Identity, Coordinators: f.dir.Coordinators, Address: "127.0.0.1:1",
		Beat: f.beat, Answered: f.answered,
	})
	s.Run(ctx)
}

func (f *fake) beat() *anthillv1.HeartbeatRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := &anthillv1.HeartbeatRequest{Address: "127.0.0.1:1", Slots: uint32(f.slots)}
	for id := range f.holds {
		m.Leases = append(m.Leases, id)
	}
	slices.Sort(m.Leases)
	m.Fuel = make([]uint64, len(m.Leases))
	if f.sent.IsZero() {
		f.sent = time.Now()
	}
	return m
}

func (f *fake) answered(resp *anthillv1.HeartbeatResponse, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		return // what it was sent for is still to be answered
	}
	if !f.sent.IsZero() {
		f.beats.add(time.Since(f.sent))
		f.sent = time.Time{}
	}
	for _, id := range resp.GetVoidLeases() {
		delete(f.holds, id)
	}
}

// offer asks for leases whenever there is room.
func (f *fake) offer(ctx context.Context) {
	var err error
	if f.conn, err = gridconn.Dial(f.dir.Identity, f.dir.Coordinators); err != nil {
		return
	}
	client := anthillv1.NewWorkServiceClient(f.conn)
	for ctx.Err() == nil {
		f.mu.Lock()
		room := f.slots - len(f.holds) + len(f.ended)
		f.mu.Unlock()
		if room <= 0 {
			sleep(ctx, 5*time.Millisecond)
			continue
		}
		call, cancel := context.WithTimeout(ctx, 15*time.Second)
		resp, err := client.Offer(call, &anthillv1.OfferRequest{Capacity: uint32(room), Metering: jobs.Metering})
		cancel()
		if err != nil {
			sleep(ctx, 100*time.Millisecond)
			continue
		}
		f.take(resp.GetLeases())
	}
}

func (f *fake) take(leases []*anthillv1.Lease) {
	if len(leases) == 0 {
		return
	}
	var done []*anthillv1.AttemptReport
	for _, l := range leases {
		data := strconv.AppendUint(nil, uint64(l.GetTask()), 10)
		done = append(done, &anthillv1.AttemptReport{
			Lease: l.GetId(), Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED,
			Output: wire.RefToProto(blob.Of(data).Ref()), Data: data, Elapsed: durationpb.New(f.took), Fuel: 1,
		})
	}
	f.mu.Lock()
	for _, l := range leases {
		f.holds[l.GetId()] = true
	}
	f.mu.Unlock()
	if f.took == 0 {
		f.end(done)
		return
	}
	time.AfterFunc(f.took, func() { f.end(done) })
}

func (f *fake) end(done []*anthillv1.AttemptReport) {
	f.mu.Lock()
	f.ended = append(f.ended, done...)
	f.mu.Unlock()
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// maxReports is how many reports one call may have.
const maxReports = 600

// deliver hands in what has ended, again and again until it is heard.
func (f *fake) deliver(ctx context.Context) {
	for ctx.Err() == nil {
		select {
		case <-f.news:
		case <-ctx.Done():
		}
		for f.handIn(ctx) {
		}
	}
	if f.conn != nil {
		_ = f.conn.Close() // nothing is under way
	}
}

// handIn says whether there may be more.
func (f *fake) handIn(ctx context.Context) bool {
	f.mu.Lock()
	batch := slices.Clone(f.ended[:min(len(f.ended), maxReports)])
	f.mu.Unlock()
	if len(batch) == 0 || ctx.Err() != nil {
		return false
	}
	call, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := anthillv1.NewWorkServiceClient(f.conn).Report(call, &anthillv1.ReportRequest{Reports: batch}); err != nil {
		sleep(ctx, 100*time.Millisecond)
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = f.ended[len(batch):]
	for _, r := range batch {
		delete(f.holds, r.GetLease())
	}
	return true
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// latencies are of many workers.
type latencies struct {
	mu   sync.Mutex
	list []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, d)
}

// take gives those since the last time, sorted.
func (l *latencies) take() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.list
	l.list = nil
	slices.Sort(list)
	return list
}
