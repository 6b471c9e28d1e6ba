package swarm

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// smalls makes n small blobs, the first of them empty.
func smalls(n int) (datas [][]byte, ids []blob.ID) {
	for k := range n {
		data := content(7, 10+k)[10:]
		datas, ids = append(datas, data), append(ids, blob.Of(data).ID())
	}
	return datas, ids
}

func (p *testPeer) holdMany(t testing.TB, datas [][]byte) *testPeer {
	t.Helper()
	if _, err := p.store.PutMany(datas); err != nil {
		t.Fatal(err)
	}
	return p
}

func mustGet(t *testing.T, got, want [][]byte) {
	t.Helper()
	for k := range want {
		if got[k] == nil || !bytes.Equal(got[k], want[k]) {
			t.Fatalf("blob %d: %d bytes, want %d", k, len(got[k]), len(want[k]))
		}
	}
}

func TestSmallBlobsFromSeveral(t *testing.T) {
	s := newSwarm(t, Config{})
	datas, ids := smalls(600)
	a, b := serve(t, jobs.Worker).holdMany(t, datas[:400]), serve(t, jobs.Worker).holdMany(t, datas[300:])
	c := serve(t, jobs.Submitter).holdMany(t, datas)
	ids = append(ids, ids[5], blob.ID{1})
	got, tr, err := s.FetchSmall(deadline(t, 20*time.Second), ids, providers(c, a, b, a))
	if err != nil {
		t.Fatal(err)
	}
	mustGet(t, got, append(datas, datas[5]))
	if got[601] != nil {
		t.Errorf("nobody has the last: %d bytes", len(got[601]))
	}
	if tr[jobs.Submitter] != 0 || tr[jobs.Worker] != 599*600/2 {
		t.Errorf("traffic %v", tr)
	}
	if len(s.cfg.Store.Recent(1)) > 0 {
		t.Error("they were stored")
	}
}

func TestSmallBlobsDespiteBadPeers(t *testing.T) {
	datas, ids := smalls(300)
	for name, small := range map[string]func(*anthillv1.ReadBlobsResponse) error{
		"liar": func(r *anthillv1.ReadBlobsResponse) error { r.Data = []byte("lie"); return nil },
		"too long": func(r *anthillv1.ReadBlobsResponse) error {
			r.Data = make([]byte, blob.MinPiece+1)
			return nil
		},
		"broken":  func(*anthillv1.ReadBlobsResponse) error { return status.Error(codes.Internal, "no") },
		"forgets": func(r *anthillv1.ReadBlobsResponse) error { r.Data, r.Missing = nil, true; return nil },
		"hangs":   func(*anthillv1.ReadBlobsResponse) error { time.Sleep(3 * time.Second); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSwarm(t, Config{})
			bad, good := serve(t, jobs.Worker).holdMany(t, datas), serve(t, jobs.Coordinator).holdMany(t, datas)
			bad.small = small
			got, tr, err := s.FetchSmall(deadline(t, 20*time.Second), ids, providers(bad, good))
			if err != nil || tr[jobs.Coordinator] == 0 {
				t.Fatalf("traffic %v, %v", tr, err)
			}
			mustGet(t, got, datas)
			lied := name == "liar" || name == "too long"
			if s.refusals.has("", bad.Address) != lied {
				t.Errorf("refused: %v, want %v", !lied, lied)
			}
			reads := bad.reads.Load()
			if _, _, err := s.FetchSmall(deadline(t, 20*time.Second), ids[:1], providers(bad, good)); err != nil {
				t.Fatal(err)
			}
			if lied && bad.reads.Load() != reads {
				t.Error("the liar was asked again")
			}
		})
	}
}

func TestSmallBlobsCancelled(t *testing.T) {
	s := newSwarm(t, Config{Patience: time.Minute})
	datas, ids := smalls(5)
	p := serve(t, jobs.Worker).holdMany(t, datas)
	ctx, cancel := context.WithCancel(context.Background())
	p.small = func(r *anthillv1.ReadBlobsResponse) error {
		if bytes.Equal(r.Blob, ids[2][:]) {
			cancel()
			time.Sleep(100 * time.Millisecond)
		}
		return nil
	}
	got, _, err := s.FetchSmall(ctx, ids, providers(p))
	if !errors.Is(err, context.Canceled) || len(got) != 5 {
		t.Errorf("%d blobs, %v", len(got), err)
	}
}

func BenchmarkFetchSmall(b *testing.B) {
	s, p := newSwarm(b, Config{}), serve(b, jobs.Worker)
	var datas [][]byte
	var ids []blob.ID
	for k := range 2000 {
		data := content(byte(k), 4096)
		data[0], data[1] = byte(k>>8), byte(k)
		datas, ids = append(datas, data), append(ids, blob.Of(data).ID())
	}
	p.holdMany(b, datas)
	for b.Loop() {
		if got, _, err := s.FetchSmall(context.Background(), ids, providers(p)); err != nil || got[1999] == nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(ids))/b.Elapsed().Seconds(), "blobs/s")
}

func BenchmarkFetch(b *testing.B) {
	s, p := newSwarm(b, Config{}), serve(b, jobs.Worker)
	data := content(1, 128*piece)
	id := blob.Of(data).ID()
	p.hold(b, data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := s.Fetch(context.Background(), id, 0, -1, providers(p)); err != nil {
			b.Fatal(err)
		}
		if err := s.cfg.Store.Delete(id); err != nil {
			b.Fatal(err)
		}
	}
}
