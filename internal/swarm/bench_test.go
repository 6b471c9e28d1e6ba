package swarm

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// serveTLS is a peer that serves a store on loopback, as nodes do.
func serveTLS(b *testing.B, store *blobstore.Store) (Provider, func() *Swarm) {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		b.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer(append(gridconn.ServerOptions(), grpc.Creds(credentials.NewTLS(cfg)))...)
	anthillv1.RegisterPieceServiceServer(server, NewServer(ServerConfig{Store: store}))
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(listener) })
	b.Cleanup(func() {
		server.Stop()
		wg.Wait()
	})
	return Provider{Address: listener.Addr().String(), Role: jobs.Worker}, func() *Swarm {
		pool := NewDialer(&tls.Config{InsecureSkipVerify: true}) //nolint:gosec // both ends are this test
		b.Cleanup(func() { _ = pool.Close() })
		return newSwarm(b, Config{Dial: pool.Dial})
	}
}

// One blob of 256 MiB from one peer over TLS on loopback.
func BenchmarkOneToOne(b *testing.B) {
	store := newStore(b, blobstore.Config{})
	ref, err := store.Put(content(1, 256<<20))
	if err != nil {
		b.Fatal(err)
	}
	p, fetcher := serveTLS(b, store)
	b.SetBytes(ref.Size)
	for b.Loop() {
		s := fetcher()
		if _, err := s.Fetch(b.Context(), ref.ID, 0, -1, []Provider{p}); err != nil {
			b.Fatal(err)
		}
	}
}

// 10,000 blobs of 4 KiB from one peer.
func BenchmarkManySmall(b *testing.B) {
	store := newStore(b, blobstore.Config{})
	var datas [][]byte
	var ids []blob.ID
	for range 10_000 {
		data := make([]byte, 4<<10)
		rand.Read(data) // never fails
		datas, ids = append(datas, data), append(ids, blob.Of(data).ID())
	}
	if _, err := store.PutMany(datas); err != nil {
		b.Fatal(err)
	}
	p, fetcher := serveTLS(b, store)
	s := fetcher()
	for b.Loop() {
		got, _, err := s.FetchSmall(b.Context(), ids, []Provider{p})
		if err != nil || slices.ContainsFunc(got, func(d []byte) bool { return d == nil }) {
			b.Fatal("some are missing", err)
		}
	}
	b.ReportMetric(float64(b.N*len(ids))/b.Elapsed().Seconds(), "blobs/s")
}

// A blob of 10 KB over a connection that stands, into the store and alone.
func BenchmarkWarmSmall(b *testing.B) {
	store := newStore(b, blobstore.Config{})
	p, fetcher := serveTLS(b, store)
	s := fetcher()
	var times []time.Duration
	for b.Loop() {
		data := make([]byte, 10_000)
		rand.Read(data) // never fails
		ref, err := store.Put(data)
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		if _, err := s.Fetch(b.Context(), ref.ID, 0, -1, []Provider{p}); err != nil {
			b.Fatal(err)
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
}
