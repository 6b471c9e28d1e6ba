package blobstore

import (
	"container/list"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore/pack"
)

// pieceState is a set of the flags below.
type pieceState uint8

const (
	present pieceState = 1 << iota // written
	synced                         // written, and it will outlive a power cut
	checked                        // hashed by this process
)

// entry is what the store knows of one blob.
type entry struct {
	id blob.ID

	// io is held for reading while the files are used, and for writing while
	// they are made or removed. No goroutine holds the io of two blobs.
	io sync.RWMutex

	// write serialises changes of the bitmap file, and of a small blob.
	write sync.Mutex

	// Store.mu guards what follows.
	m       blob.Manifest
	loaded  bool // m and pieces are known
	pieces  []pieceState
	count   int   // of pieces that are present
	pending int64 // bytes that are present and not synced
	charged int64 // bytes of quota
	used    *list.Element
	at      pack.Place // of a small blob
	copied  bool       // a small blob has a file besides
}

func newEntry(id blob.ID, m blob.Manifest) *entry {
	return &entry{id: id, m: m, loaded: true, pieces: make([]pieceState, len(m.Pieces))}
}

// small tells whether the blob is kept in a pack, whole or not at all. Such blobs
// are by far the most numerous.
func (e *entry) small() bool { return e.m.Size <= blob.MinPiece }

func (e *entry) complete() bool { return e.loaded && e.count == len(e.pieces) }

func (e *entry) unsynced() bool { return e.pending > 0 }

func (e *entry) has(i int) bool {
	return i >= 0 && i < len(e.pieces) && e.pieces[i]&present != 0
}

func (e *entry) bitmap(flag pieceState) blob.Bitmap {
	b := blob.NewBitmap(len(e.pieces))
	for i, p := range e.pieces {
		if p&flag != 0 {
			b.Set(i)
		}
	}
	return b
}

// gain marks piece i as present; it returns false if it already was.
func (e *entry) gain(i int, flags pieceState) bool {
	fresh := e.pieces[i]&present == 0
	if fresh {
		e.count++
		if flags&synced == 0 {
			e.pending += e.m.PieceLen(i)
		}
	}
	e.pieces[i] |= present | flags
	return fresh
}

// lose forgets piece i; it returns false if it was not there.
func (e *entry) lose(i int) bool {
	if !e.has(i) {
		return false
	}
	if e.pieces[i]&synced == 0 {
		e.pending -= e.m.PieceLen(i)
	}
	e.pieces[i] = 0
	e.count--
	return true
}

// settle marks the given pieces as synced, unless they were lost meanwhile.
func (e *entry) settle(pieces []int) {
	for _, i := range pieces {
		if e.pieces[i]&(present|synced) == present {
			e.pieces[i] |= synced
			e.pending -= e.m.PieceLen(i)
		}
	}
}

// unsettled lists the pieces that are present and not synced.
func (e *entry) unsettled() []int {
	var list []int
	for i, p := range e.pieces {
		if p&(present|synced) == present {
			list = append(list, i)
		}
	}
	return list
}
