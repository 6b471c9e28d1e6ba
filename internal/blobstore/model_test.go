package blobstore

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
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
	for i, n := range []int{0, 300, 301, 302, 303, 20_000, 20_001, blob.MinPiece, 2*blob.MinPiece + 1} {
		md.datas = append(md.datas, content(uint64(i), n))
		md.metas = append(md.metas, blob.Of(md.datas[i]))
	}
	var err error
	md.store, err = Open(Config{Dir: dir, segment: modelSegment})
	return md, err
}

// modelSegment makes packs so short that they are compacted all the time.
const modelSegment = 1000

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
			"batch":  md.putMany,
			"path":   md.path,
			"rot":    md.rot,
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

func (md *model) putMany(t *rapid.T) {
	var all [][]byte
	for _, b := range rapid.SliceOf(rapid.IntRange(0, len(md.datas)-2)).Draw(t, "batch") {
		all = append(all, md.datas[b])
		md.have[b] = make(map[int]bool)
		for i := range md.metas[b].Pieces {
			md.have[b][i] = true
		}
	}
	if _, err := md.store.PutMany(all); err != nil {
		t.Fatal(err)
	}
}

// path looks into the file that the store gives.
func (md *model) path(t *rapid.T) {
	b := md.pick(t)
	path, err := md.store.Path(md.metas[b].ID())
	if want := md.have[b] != nil && len(md.have[b]) == len(md.metas[b].Pieces); (err == nil) != want {
		t.Fatalf("path of blob %d: %v, want one: %v", b, err, want)
	}
	if err != nil {
		return
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, md.datas[b]) {
		t.Fatalf("blob %d: its file has %d bytes, %v", b, len(got), err)
	}
}

// rot spoils a small blob on disk, which the next look at it must find out.
func (md *model) rot(t *rapid.T) {
	b := md.pick(t)
	if !md.small(b) || !md.have[b][0] {
		return
	}
	md.store.tidying.Wait()
	flip(t, md.store, md.metas[b].ID(), 0)
	if _, err := md.store.ReadPiece(md.metas[b].ID(), 0); !errors.Is(err, ErrNotFound) {
		t.Fatalf("read of spoiled bytes: %v", err)
	}
	if md.store.Complete(md.metas[b].ID()) {
		t.Fatal("still complete")
	}
	md.have[b] = nil
	if _, _, err := md.store.Have(md.metas[b].ID()); err == nil {
		md.have[b] = make(map[int]bool)
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
	for _, e := range md.store.blobs {
		if e.copied {
			used -= blocks(e.m.Size) // copies do not outlive the process
		}
	}
	md.store.tidying.Wait() // two stores must not tidy at a time
	var err error
	if md.store, err = Open(Config{Dir: dir, segment: modelSegment}); err != nil {
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
