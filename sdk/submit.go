package sdk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/session"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Job is a job that this process has submitted. It serves the job's bundle and
// input to the grid until Close.
type Job struct {
	id       string
	grid     *Grid
	prepared *Prepared
	end      func() error // of serving
}

// ID names the job in the grid.
func (j *Job) ID() string { return j.id }

// Tasks is how many tasks it has, at most ten million.
func (j *Job) Tasks() int { return j.prepared.Tasks() }

// Size is how many bytes of bundle, input and data it has.
func (j *Job) Size() int64 { return j.prepared.Size() }

// TaskInputs are what its tasks read: this process need not ask the grid.
func (j *Job) TaskInputs() *TaskInputs {
	in := &TaskInputs{Job: j.id, Tasks: j.Tasks(), input: j.prepared.spec.Input, labels: &j.prepared.labels}
	if of := in.labels.Of; of != nil {
		in.Job, in.Tasks = of.Job, of.Tasks
	}
	return in
}

// Notices are about the files that the job names, as those of Prepared.
func (j *Job) Notices() []Notice { return j.prepared.Notices() }

// Submit prepares and submits a job. The caller closes it, once WaitUploaded
// has returned: before, the grid may still need the input from here. Its errors
// are those of Prepare and SubmitPrepared.
func (g *Grid) Submit(ctx context.Context, file *JobFile) (*Job, error) {
	prepared, err := Prepare(ctx, file)
	if err != nil {
		return nil, err
	}
	job, err := g.SubmitPrepared(ctx, prepared)
	if err != nil {
		return nil, errors.Join(err, prepared.Close())
	}
	return job, nil
}

// SubmitPrepared submits a job and, if that succeeds, takes it over: closing
// the Job closes it. It is an error of kind ErrNotFound if the job names a blob
// that the grid does not keep, of kind ErrRefused if the grid has no copy of that
// yet, or no room for the job, and of kind ErrInvalid if the job makes no sense.
func (g *Grid) SubmitPrepared(ctx context.Context, prepared *Prepared) (*Job, error) {
	what := "submit job " + prepared.spec.Name
	if err := prepared.resolve(ctx, g); err != nil {
		return nil, err
	}
	listener, paths, err := g.listen()
	if err != nil {
		return nil, fmt.Errorf("%s: serve input: %w", what, err)
	}
	end := g.serve(listener, paths, g.newServer(paths, prepared))
	g.awaitStanding(ctx, paths)
	req := &anthillv1.SubmitJobRequest{Spec: wire.SpecToProto(prepared.spec), RequestId: rand.Text(), Provider: listener.Addr().String()}
	resp, err := call(ctx, g, what, func(ctx context.Context) (*anthillv1.SubmitJobResponse, error) {
		return g.jobs.SubmitJob(ctx, req)
	})
	if err == nil {
		err = g.understood(ctx, prepared.spec, resp.GetJob())
	}
	if err != nil {
		return nil, errors.Join(err, end())
	}
	return &Job{id: resp.GetJob().GetId(), grid: g, prepared: prepared, end: end}, nil
}

// understood cancels a job of which a coordinator, being too old, has left out what it
// cannot do without.
func (g *Grid) understood(ctx context.Context, spec jobs.Spec, job *anthillv1.Job) error {
	got, field := job.GetSpec(), ""
	switch {
	case got.GetAllowFailed() != spec.AllowFailed || got.GetAllowFailedShare() != wire.ShareToProto(spec.AllowFailedShare):
		field = "allow_failed"
	case len(got.GetSecret()) != len(spec.Secret):
		field = "secret"
	case got.GetInputWait().AsDuration() != spec.InputWait:
		field = "input_wait"
	case got.GetRetryOf() != string(spec.RetryOf), spec.RetryOf != "" && got.GetInput().GetBlob().GetLabels() == nil:
		field = "retry"
	default:
		return nil
	}
	_, err := g.Cancel(ctx, job.GetId())
	refused := problem.Invalid("upgrade the grid's coordinators, or leave it out", "submit job %s: %s: the grid's coordinators are too old for it", spec.Name, field)
	return errors.Join(refused, err)
}

// serve answers those who come to a port, or whom a session has this process come to,
// until end is called.
func (g *Grid) serve(listener net.Listener, paths *reach.Room, server *grpc.Server) (end func() error) {
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // it ends by end, and has nothing to tell then
	ctx, cancel := context.WithCancel(context.Background())
	s := session.New(session.Config{
		Identity: g.identity, Coordinators: g.conn.Known(), Address: listener.Addr().String(), Logger: g.logger,
	})
	s.OnNews(g.heed)
	s.Open(paths)
	serving.Go(func() { s.Run(ctx) })
	return func() error {
		cancel()
		server.Stop()
		serving.Wait()
		return paths.Close()
	}
}

// listen opens a port on the address by which this host reaches a coordinator, and the
// paths that lead to it and from it.
func (g *Grid) listen() (net.Listener, *reach.Room, error) {
	l, err := g.listenTCP()
	if err != nil {
		return nil, nil, err
	}
	cfg := reach.Config{
		Identity: g.identity, Address: l.Addr().String(), Advertised: g.advertise, UDP: l.Addr().String(), Listens: l.Addr().(*net.TCPAddr).AddrPort(), Logger: g.logger,
	}
	if g.portMapping {
		cfg.Map = reach.AskRouter
	}
	paths := reach.New(cfg)
	return paths.Listen(l), paths, nil
}

// port is that of the first address that is advertised, or any.
func (g *Grid) port() string {
	for _, address := range g.advertise {
		if _, port, err := net.SplitHostPort(address); err == nil {
			return port
		}
	}
	return "0"
}

// awaitStanding waits, where something is advertised, until a coordinator has looked
// whether it leads here: what is told of this process before is without it.
func (g *Grid) awaitStanding(ctx context.Context, paths *reach.Room) {
	end := time.Now().Add(standingTime)
	for len(g.advertise) > 0 && !paths.Standing().Looked && ctx.Err() == nil && time.Now().Before(end) {
		sleep(ctx, standingLook)
	}
}

// standingTime is how long that may take, and standingLook how far apart it is looked.
const (
	standingTime = 8 * time.Second
	standingLook = 50 * time.Millisecond
)

func (g *Grid) listenTCP() (net.Listener, error) {
	var failures []error
	for _, address := range g.conn.Known() {
		// Nothing is sent: this only asks for a route.
		route, err := net.Dial("udp", address)
		if err != nil {
			failures = append(failures, err)
			continue
		}
		host, _, err := net.SplitHostPort(route.LocalAddr().String())
		if err := errors.Join(err, route.Close()); err != nil {
			return nil, err
		}
		return net.Listen("tcp", net.JoinHostPort(host, g.port()))
	}
	return nil, problem.Unavailable("check the network, or join the grid again",
		"no route to any coordinator: %w", errors.Join(failures...))
}

// newServer serves the job's blobs to coordinators, and to workers that run its tasks.
func (g *Grid) newServer(paths *reach.Room, prepared *Prepared) *grpc.Server {
	return g.pieceServer(paths, swarm.ServerConfig{
		Store: prepared.store, Allow: g.granted,
	})
}

// pieceServer serves pieces in this member's name.
func (g *Grid) pieceServer(paths *reach.Room, cfg swarm.ServerConfig) *grpc.Server {
	cfg.Sign = g.identity.SignServed
	server := grpc.NewServer(append(gridconn.PeerServerOptions(), grpc.Creds(identity.ServerCredentials(g.identity, identity.Handover{Back: paths.Back})))...)
	anthillv1.RegisterPieceServiceServer(server, swarm.NewServer(cfg))
	return server
}

// WaitUploaded returns when enough coordinators hold the bundle and the whole
// input, so that the submitter may leave; or when the job is finished. Its errors
// are those of Watch.
func (j *Job) WaitUploaded(ctx context.Context) error {
	for update, err := range j.grid.Watch(ctx, j.id) {
		if err != nil {
			return err
		}
		if Uploaded(update.Job) {
			return nil
		}
	}
	return nil
}

// Uploaded tells whether the grid has all that it needs of a job's submitter.
func Uploaded(job *anthillv1.Job) bool {
	return Finished(job) || job.GetInputCopies() >= job.GetInputCopiesNeeded() && job.GetInputOwners() >= job.GetInputOwnersNeeded()
}

// Close stops serving the input and removes the local copy of it. The job goes
// on in the grid.
func (j *Job) Close() error {
	return errors.Join(j.end(), j.prepared.Close())
}
