package swarm

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func encode(t testing.TB, m proto.Message) []byte {
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Whatever clients say, the books of the uploader stay right.
func FuzzExchangeRequest(f *testing.F) {
	f.Add(encode(f, &anthillv1.ExchangeRequest{Have: []byte{1}, Credit: 3, Ask: []uint32{1, 1, 99}}), encode(f, &anthillv1.ExchangeRequest{Gained: []uint32{0, 5}, Cancel: []uint32{1, 7}, Lost: []uint32{2}}))
	f.Add(encode(f, &anthillv1.ExchangeRequest{Have: make([]byte, 100), Start: 1<<32 - 1, Credit: 1<<32 - 1}), encode(f, &anthillv1.ExchangeRequest{Coming: []uint32{1<<32 - 1}}))
	f.Fuzz(func(t *testing.T, hello, more []byte) {
		var first, then anthillv1.ExchangeRequest
		if proto.Unmarshal(hello, &first) != nil || proto.Unmarshal(more, &then) != nil {
			return
		}
		s := seedOf(10)
		u := newUploads(func() error { return nil })
		other := u.enter(blob.ID{}, s.manifest, s.have, &anthillv1.ExchangeRequest{}, nil)
		n := u.enter(blob.ID{}, s.manifest, s.have, &first, &anthillv1.Provider{})
		for _, req := range []*anthillv1.ExchangeRequest{&first, &then, &then, &first} {
			u.receive(n, req)
			for _, i := u.todo(n); i >= 0; _, i = u.todo(n) {
				if _, stop := u.midway(n, i); stop {
					u.stopped(n, i)
				}
			}
		}
		u.leave(n)
		if u.budget.inFlight != 0 || len(u.sessions) != 1 {
			t.Errorf("%d bytes are on their way to nobody", u.budget.inFlight)
		}
		for i, c := range other.seeding.copies {
			if c != 0 {
				t.Errorf("%d copies of piece %d are left", c, i)
			}
		}
	})
}

// Whatever a peer sends, no byte is stored that is not right.
func FuzzExchangeResponse(f *testing.F) {
	data := content(1, 2*piece)
	m := blob.Of(data)
	f.Add(encode(f, &anthillv1.ExchangeResponse{Piece: 1, Data: data[piece:]}), encode(f, &anthillv1.ExchangeResponse{Promised: []uint32{0, 1}}), true)
	f.Add(encode(f, &anthillv1.ExchangeResponse{Piece: 7, Data: []byte{1}}), encode(f, &anthillv1.ExchangeResponse{Gained: []uint32{9}, Offset: 1<<32 - 1}), false)
	f.Add(encode(f, &anthillv1.ExchangeResponse{Data: data[:100]}), encode(f, &anthillv1.ExchangeResponse{Offset: 100, Data: data[:piece]}), true)
	f.Fuzz(func(t *testing.T, one, two []byte, asked bool) {
		s := newSwarm(t, Config{})
		if err := s.cfg.Store.Begin(m); err != nil {
			t.Fatal(err)
		}
		d := newDownload(s, m.ID())
		close(d.done) // it hears nothing
		r := &remote{Provider: Provider{Role: jobs.Worker}, flights: map[int]*flight{}}
		l := newLink(d, r, func() {})
		a := assembly{link: l, manifest: m, piece: -1}
		if asked {
			l.expect(0)
			l.expect(1)
		}
		for _, raw := range [][]byte{one, two, one, two} {
			var resp anthillv1.ExchangeResponse
			if proto.Unmarshal(raw, &resp) != nil || l.forward(&resp, len(m.Pieces)) != nil {
				return
			}
			if len(resp.GetData()) > 0 && a.add(&resp, peerIdentity{}) != nil {
				break
			}
		}
		_, have, err := s.cfg.Store.Have(m.ID())
		if err != nil {
			t.Fatal(err)
		}
		if have.Count() > 0 && !asked {
			t.Error("a piece was stored that nobody asked for")
		}
		for i := range m.Pieces {
			if got, err := s.cfg.Store.ReadPiece(m.ID(), i); have.Has(i) && (err != nil || m.Verify(i, got) != nil) {
				t.Errorf("piece %d: %v", i, err)
			}
		}
	})
}
