package blobstore

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"pgregory.net/rapid"
)

// model is the dumb version of a store without quota: what pieces of which
// of a few blobs are there.
type model struct {
	store *Store
	datas [][]byte
	metas []blob.Manifest
	have  map[int]map[int]bool // begun blobs
}

func newModel(dir string) (*model, error) {
	md := &model{have: make(map[int]map[int]bool)}
	for i, n := range []int{0, 300, blob.MinPiece, 2*blob.MinPiece + 1} {
		md.datas = append(md.datas, content(uint64(i), n))
		md.metas = append(md.metas, blob.Of(md.datas[i]))
	}
	var err error
	md.store, err = Open(Config{Dir: dir})
	return md, err
}

func (md *model) piece(b, i int) []byte {
	m := md.metas[b]
	return md.datas[b][m.PieceOffset(i):][:m.PieceLen(i)]
}

// small tells whether nothing on disk remembers a blob without pieces.
func (md *model) small(b int) bool { return len(md.metas[b].Pieces) == 1 }

func TestStoreAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "blobstore")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		md, err := newModel(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin":  md.begin,
			"write":  md.write,
			"put":    md.put,
			"delete": md.delete,
			"reopen": func(t *rapid.T) { md.reopen(t, dir) },
			"":       md.check,
		})
	})
}

func (md *model) pick(t *rapid.T) int { return rapid.IntRange(0, len(md.datas)-1).Draw(t, "blob") }

func (md *model) begin(t *rapid.T) {
	b := md.pick(t)
	if err := md.store.Begin(md.metas[b]); err != nil {
		t.Fatal(err)
	}
	if md.have[b] == nil {
		md.have[b] = make(map[int]bool)
	}
}

func (md *model) write(t *rapid.T) {
	b := md.pick(t)
	if len(md.metas[b].Pieces) == 0 {
		return
	}
	i := rapid.IntRange(0, len(md.metas[b].Pieces)-1).Draw(t, "piece")
	err := md.store.WritePiece(md.metas[b].ID(), i, md.piece(b, i))
	if md.have[b] == nil {
		if !errors.Is(err, ErrNotFound) {
			t.Fatalf("write to an unknown blob: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	md.have[b][i] = true
}

func (md *model) put(t *rapid.T) {
	b := md.pick(t)
	if ref, err := md.store.Put(md.datas[b]); err != nil || ref != md.metas[b].Ref() {
		t.Fatalf("put: %v, %v", ref, err)
	}
	md.have[b] = make(map[int]bool)
	for i := range md.metas[b].Pieces {
		md.have[b][i] = true
	}
}

func (md *model) delete(t *rapid.T) {
	b := md.pick(t)
	if err := md.store.Delete(md.metas[b].ID()); err != nil {
		t.Fatal(err)
	}
	delete(md.have, b)
}

func (md *model) reopen(t *rapid.T, dir string) {
	if rapid.Bool().Draw(t, "close") {
		if err := md.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	used := md.store.used
	var err error
	if md.store, err = Open(Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	if md.store.used != used {
		t.Fatalf("%d bytes used, %d after reopen", used, md.store.used)
	}
	for b, pieces := range md.have {
		if md.small(b) && len(pieces) == 0 {
			delete(md.have, b)
		}
	}
}

func (md *model) check(t *rapid.T) {
	for b, m := range md.metas {
		_, have, err := md.store.Have(m.ID())
		if (err == nil) != (md.have[b] != nil) {
			t.Fatalf("blob %d: %v, want known: %v", b, err, md.have[b] != nil)
		}
		if err != nil {
			continue
		}
		for i := range m.Pieces {
			data, err := md.store.ReadPiece(m.ID(), i)
			if have.Has(i) != md.have[b][i] || (err == nil) != md.have[b][i] {
				t.Fatalf("blob %d piece %d: have %v, read %v, want %v", b, i, have.Has(i), err, md.have[b][i])
			}
			if err == nil && !bytes.Equal(data, md.piece(b, i)) {
				t.Fatalf("blob %d piece %d: wrong bytes", b, i)
			}
		}
	}
}
