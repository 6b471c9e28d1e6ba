package sdk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/session"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// refusedFile lists the peers that sent wrong bytes to this identity, beside it.
// Nodes keep theirs in a file of another name: a client may use the directory of
// one that runs.
const refusedFile = "client-refused.json"

// peer shares blobs with other peers: it serves what it has to coordinators and to those
// who may read it, and fetches from them. What is shared with everybody is served to
// every member of the grid.
type peer struct {
	grid     *Grid
	store    *blobstore.Store
	paths    *reach.Room
	pool     *swarm.Pool
	swarm    *swarm.Swarm
	listener net.Listener
	server   *grpc.Server
	tracker  anthillv1.TrackerServiceClient
	session  *session.Session
	serving  sync.WaitGroup
	stop     context.CancelFunc // of reporting, and the session
	sharing  sharing
	public   atomic.Bool // as the tracker said last, where this peer shares likeOthers
}

// sharing is with whom a peer shares what it has, besides coordinators.
type sharing int

const (
	withReaders   sharing = iota // those who may read it
	withEverybody                // all members of the grid
	likeOthers                   // those of whom this peer may have it itself
)

// openPeer keeps the blobs in a directory. Tamper, where set, changes what is
// sent.
func (g *Grid) openPeer(dir string, tamper func([]byte)) (_ *peer, err error) {
	p := &peer{grid: g, tracker: anthillv1.NewTrackerServiceClient(g.conn)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.store, err = blobstore.Open(blobstore.Config{Dir: dir}); err != nil {
		return nil, err
	}
	if p.listener, p.paths, err = g.listen(); err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	p.pool = swarm.NewPool(identity.PeerCredentials(g.identity, nil), p.paths)
	p.swarm, err = swarm.New(swarm.Config{
		Store: p.store, Dial: p.pool.Dial, Self: p.listener.Addr().String(), Node: g.identity.Node(), Identify: identity.Identify,
		Refused: filepath.Join(g.home, refusedFile), Find: p.find, Patience: g.patience, Logger: g.logger,
	})
	if err != nil {
		return nil, err
	}
	p.server = g.pieceServer(p.paths, swarm.ServerConfig{
		Store: p.store, Swarm: p.swarm, Tamper: tamper,
		Allow: func(ctx context.Context, id blob.ID) bool { return p.isPublic() || g.granted(ctx, id) },
	})
	p.serving.Go(func() { _ = p.server.Serve(p.listener) }) // it ends with close
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	p.serving.Go(func() { p.swarm.ReportCaught(ctx, p.accuse) })
	p.session = session.New(session.Config{
		Identity: g.identity, Coordinators: g.conn.Known(), Address: p.listener.Addr().String(), Logger: g.logger,
	})
	p.session.OnNews(g.heed)
	p.session.Open(p.paths)
	p.serving.Go(func() { p.session.Run(ctx) })
	g.awaitStanding(ctx, p.paths)
	return p, nil
}

func (p *peer) close() error {
	var errs []error
	if p.stop != nil {
		p.stop()
	}
	if p.swarm != nil {
		errs = append(errs, p.swarm.Close())
	}
	if p.server != nil {
		p.server.Stop()
	} else if p.listener != nil {
		errs = append(errs, p.listener.Close())
	}
	p.serving.Wait()
	if p.pool != nil {
		errs = append(errs, p.pool.Close())
	}
	if p.paths != nil {
		errs = append(errs, p.paths.Close())
	}
	if p.store != nil {
		errs = append(errs, p.store.Close())
	}
	return errors.Join(errs...)
}

// find asks the tracker for peers, and announces that this one downloads.
func (p *peer) find(ctx context.Context, id blob.ID) ([]swarm.Provider, time.Duration, error) {
	return p.meet(ctx, id, false)
}

// meet announces this peer to the tracker, and asks for others.
func (p *peer) meet(ctx context.Context, id blob.ID, complete bool) ([]swarm.Provider, time.Duration, error) {
	m, err := swarm.Announce(ctx, p.tracker, p.listener.Addr().String(), id, complete, p.sharing == withEverybody)
	p.swarm.Grant(id, m.Grant)
	if err == nil {
		p.public.Store(len(m.Grant) == 0)
	}
	return m.Peers, m.Again, err
}

func (p *peer) isPublic() bool {
	return p.sharing == withEverybody || p.sharing == likeOthers && p.public.Load()
}

// granted says whether a caller gets a blob that is not for everybody: a coordinator does,
// and whoever shows a coordinator's word for it.
func (g *Grid) granted(ctx context.Context, id blob.ID) bool {
	from, err := identity.FromContext(ctx)
	return err == nil && (from.Role == jobs.Coordinator || g.identity.Granted(from.Node, id, swarm.GrantFrom(ctx)))
}

// serve announces a blob that is complete until ctx ends; began is called once
// the grid knows of it.
func (p *peer) serve(ctx context.Context, id blob.ID, began func()) error {
	p.store.Pin(id)
	defer p.store.Unpin(id)
	defer p.leave(id)
	again, err := call(ctx, p.grid, "announce blob "+id.Short(), func(ctx context.Context) (time.Duration, error) {
		_, again, err := p.meet(ctx, id, true)
		return again, err
	})
	if err != nil {
		return err
	}
	began()
	for {
		sleep(ctx, again)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("serve blob %s: %w", id.Short(), err)
		}
		if _, again, err = p.meet(ctx, id, true); err != nil {
			p.grid.logger.Debug("failed to announce a blob", "blob", id, "error", err)
			again = time.Second
		}
	}
}

// announce serves a blob until stop is called. Another machine of the same owner
// that put it may be gone: so the grid finds this peer too.
func (p *peer) announce(ctx context.Context, id blob.ID) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := p.serve(ctx, id, func() {}); ctx.Err() == nil {
			p.grid.logger.Debug("failed to announce a blob", "blob", id, "error", err)
		}
	})
	return func() {
		cancel()
		serving.Wait()
	}
}

// accuse tells the grid of a peer that served wrong bytes here.
func (p *peer) accuse(ctx context.Context, c swarm.Caught) error {
	return c.Report(ctx, p.tracker)
}

// leave tells the grid that a blob is not served any more, if it can be told.
func (p *peer) leave(id blob.ID) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	req := &anthillv1.AnnounceRequest{Address: p.listener.Addr().String(), Blobs: []*anthillv1.Announcement{{Blob: id[:], Leaving: true}}}
	if _, err := p.tracker.Announce(ctx, req); err != nil {
		p.grid.logger.Debug("failed to say that a blob is not served any more", "blob", id, "error", err)
	}
}

// heed takes the news of the grid: where the coordinators are, and with whom nobody has
// anything to do any more.
func (g *Grid) heed(n session.News) {
	g.identity.ShutOut(n.RevokedNodes)
	g.conn.Learn(n.Addresses())
}
