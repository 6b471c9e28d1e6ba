//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/session"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// peerMode makes this program a peer: DIR TOKEN HOST SIZE, to serve so many bytes; or DIR
// TOKEN HOST 0 NODE ADDRESS BLOB, to fetch them.
const peerMode = "peer"

// fetched is what a peer has measured.
type fetched struct {
	Path    string
	Seconds float64 // from the wish to the first bytes
	Rate    float64 // of all of them, in bytes a second
}

// peer is a node that has and fetches blobs, as all nodes do.
type peer struct {
	id      *identity.Identity
	store   *blobstore.Store
	paths   *reach.Room
	swarm   *swarm.Swarm
	address string
}

func runPeer(ctx context.Context, args []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p, err := startPeer(ctx, args[0], args[1], args[2])
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	if size == 0 {
		return p.fetch(ctx, swarm.Provider{Node: jobs.NodeID(args[4]), Address: args[5], Role: jobs.Submitter}, args[6])
	}
	data := make([]byte, size)
	rand.Read(data) // never fails
	ref, err := p.store.Put(data)
	if err != nil {
		return err
	}
	p.store.Pin(ref.ID)
	fmt.Println(p.id.Node(), p.address, ref.ID)
	_, err = io.Copy(io.Discard, os.Stdin) // its end is ours
	return err
}

func startPeer(ctx context.Context, dir, token, host string) (*peer, error) {
	d, err := node.Open(ctx, node.Config{Dir: filepath.Join(dir, "id"), Role: jobs.Submitter, Token: token})
	if err != nil {
		return nil, err
	}
	p := &peer{id: d.Identity}
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, err
	}
	p.address = l.Addr().String()
	if p.store, err = blobstore.Open(blobstore.Config{Dir: filepath.Join(dir, "blobs")}); err != nil {
		return nil, err
	}
	p.paths = reach.New(reach.Config{Identity: p.id, Address: p.address, UDP: p.address})
	pool := swarm.NewPool(identity.PeerCredentials(p.id, nil), p.paths)
	if p.swarm, err = swarm.New(swarm.Config{Store: p.store, Dial: pool.Dial, Self: p.address, Node: p.id.Node(), Identify: identity.Identify}); err != nil {
		return nil, err
	}
	server := grpc.NewServer(append(gridconn.PeerServerOptions(), grpc.Creds(identity.ServerCredentials(p.id, identity.Handover{Back: p.paths.Back})))...)
	anthillv1.RegisterPieceServiceServer(server, swarm.NewServer(swarm.ServerConfig{Store: p.store}))
	go func() { _ = server.Serve(p.paths.Listen(l)) }() // it ends with the process
	s := session.New(session.Config{Identity: p.id, Coordinators: d.Coordinators, Address: p.address})
	s.Open(p.paths)
	go s.Run(ctx)
	for s.Home() == "" {
		select {
		case <-ctx.Done():
			return nil, errors.New("no coordinator answers")
		case <-time.After(20 * time.Millisecond):
		}
	}
	time.Sleep(settling)
	return p, nil
}

// settling is the time that a node has to find out how it is seen.
const settling = time.Second

func (p *peer) fetch(ctx context.Context, from swarm.Provider, id string) error {
	want, err := blob.ParseID(id)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := p.swarm.Fetch(ctx, want, 0, 0, []swarm.Provider{from}); err != nil {
		return err
	}
	first := time.Since(began)
	if _, err := p.swarm.Fetch(ctx, want, 0, -1, []swarm.Provider{from}); err != nil {
		return err
	}
	m, err := p.store.Manifest(want)
	if err != nil {
		return err
	}
	f := fetched{Seconds: first.Seconds(), Rate: float64(m.Size) / (time.Since(began) - first).Seconds()}
	f.Path = mainPath(p.paths.Traffic()).String()
	return json.NewEncoder(os.Stdout).Encode(f)
}

// mainPath is that by which the most bytes came. What came to this node's port counts as
// direct too, though it was called.
func mainPath(traffic map[reach.Path]reach.Traffic) reach.Path {
	best := reach.Direct
	for path, t := range traffic {
		if path == reach.Direct {
			continue
		}
		if least := traffic[best].In; best != reach.Direct && t.In > least || best == reach.Direct && 2*t.In > least {
			best = path
		}
	}
	return best
}
