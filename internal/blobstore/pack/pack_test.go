package pack

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// index is an owner who remembers all.
type index struct {
	t   testing.TB
	log *Log

	mu     sync.Mutex
	places map[Key]Place
	datas  map[Key][]byte
}

// reopen opens the log in dir again, without closing another that uses it, as after
// a crash.
func reopen(t testing.TB, dir string, segment int64) *index {
	t.Helper()
	x := &index{t: t, places: map[Key]Place{}, datas: map[Key][]byte{}}
	var again []Found
	log, err := Open(Config{Dir: dir, Segment: segment}, func(f Found) {
		if at, twice := x.places[f.Key]; twice {
			again = append(again, Found{Size: f.Size, Place: at})
		}
		x.places[f.Key] = f.Place
		x.datas[f.Key] = make([]byte, f.Size)
	})
	if err != nil {
		t.Fatal(err)
	}
	x.log = log
	for _, f := range again {
		log.Drop(f.Place, f.Size)
	}
	for key, at := range x.places {
		if x.datas[key], err = log.Read(at, int64(len(x.datas[key]))); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = log.Close() })
	return x
}

func record(seed, n int) Record {
	data := bytes.Repeat([]byte(fmt.Sprintf("%08d", seed)), n/8+1)[:n]
	return Record{Key: sha256.Sum256(data), Data: data, Written: time.UnixMilli(int64(1000 * seed))}
}

func (x *index) add(records ...Record) {
	x.t.Helper()
	places, err := x.log.Append(records)
	if err != nil {
		x.t.Fatal(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, r := range records {
		x.places[r.Key], x.datas[r.Key] = places[i], r.Data
	}
}

func (x *index) drop(r Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.log.Drop(x.places[r.Key], int64(len(r.Data)))
	delete(x.places, r.Key)
	delete(x.datas, r.Key)
}

func (x *index) Lies(key Key, at Place) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.places[key] == at
}

func (x *index) Relocate(moves []Move) []bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	done := make([]bool, len(moves))
	for i, m := range moves {
		if done[i] = x.places[m.Key] == m.From; done[i] {
			x.places[m.Key] = m.To
		}
	}
	return done
}

// check reads all records where the index says that they are.
func (x *index) check(when string) {
	x.t.Helper()
	for key, at := range x.places {
		if got, err := x.log.Read(at, int64(len(x.datas[key]))); err != nil || !bytes.Equal(got, x.datas[key]) {
			x.t.Fatalf("%s: record %x: %d bytes, %v", when, key[:3], len(got), err)
		}
	}
}

// same compares with what another has.
func (x *index) same(other *index, when string) {
	x.t.Helper()
	if len(x.datas) != len(other.datas) {
		x.t.Fatalf("%s: %d records, want %d", when, len(other.datas), len(x.datas))
	}
	for key, data := range x.datas {
		if !bytes.Equal(other.datas[key], data) {
			x.t.Fatalf("%s: record %x differs", when, key[:3])
		}
	}
	if a, b := x.log.live, other.log.live; a != b {
		x.t.Fatalf("%s: %d bytes live, want %d", when, b, a)
	}
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.pack"))
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestAppendDropAndReopen(t *testing.T) {
	dir := t.TempDir()
	x := reopen(t, dir, 2000)
	for i := range 40 {
		x.add(record(3*i, 100), record(3*i+1, 8), record(3*i+2, 8+i))
		if i%3 == 0 {
			x.drop(record(3*i, 100))
		}
	}
	x.add(Record{Key: Key{9}})
	x.check("at once")
	if n := len(files(t, dir)); n < 5 {
		t.Errorf("%d segments", n)
	}
	y := reopen(t, dir, 2000)
	x.same(y, "after reopen")
	y.add(record(1000, 50))
	y.same(reopen(t, dir, 2000), "after more")
}

func TestTimesAndOrderAreKept(t *testing.T) {
	dir := t.TempDir()
	x := reopen(t, dir, 200)
	for i := range 10 {
		x.add(record(i, 64))
	}
	var got []int64
	l, err := Open(Config{Dir: dir, Segment: 200}, func(f Found) { got = append(got, f.Written.UnixMilli()) })
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i, ms := range got {
		if ms != int64(1000*i) {
			t.Errorf("record %d was written at %d", i, ms)
		}
	}
}

// A crash may leave any part of what was appended last.
func TestTornEndIsCutOff(t *testing.T) {
	for cut := range int(Cost(100)) {
		dir := t.TempDir()
		x := reopen(t, dir, 1<<20)
		x.add(record(1, 100))
		whole := x.log.size
		x.add(record(2, 100))
		path := files(t, dir)[0]
		if err := os.Truncate(path, whole+int64(cut)); err != nil {
			t.Fatal(err)
		}
		y := reopen(t, dir, 1<<20)
		if info, err := os.Stat(path); err != nil || info.Size() != whole || len(y.places) != 1 {
			t.Fatalf("cut after %d bytes: %d records in %d bytes, %v", cut, len(y.places), info.Size(), err)
		}
		y.add(record(3, 100))
		y.same(reopen(t, dir, 1<<20), "append after a cut")
	}
}

// What a power cut leaves of bytes that were never synced may be a hole, and rot
// may hit a header: what is behind must not be lost.
func TestRecordsBehindAHoleAreFound(t *testing.T) {
	for _, n := range []int{0, 30, 100, 100_000} {
		dir := t.TempDir()
		x := reopen(t, dir, 1<<20)
		x.add(record(1, 10))
		hole := x.log.size
		x.add(record(2, n))
		x.add(record(3, 10))
		f, err := os.OpenFile(files(t, dir)[0], os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.WriteAt(make([]byte, Cost(int64(n))), hole)
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		y := reopen(t, dir, 1<<20)
		if len(y.places) != 2 || y.places[record(3, 10).Key].IsZero() {
			t.Errorf("hole of a record of %d bytes: %d records found", n, len(y.places))
		}
	}
}

// Content may be the copy of a pack: its headers must not count, even where a
// rotten header makes the scan read them.
func TestContentIsNeverTakenForAHeader(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	x := reopen(t, other, 1<<20)
	x.add(record(7, 100))
	copied, err := os.ReadFile(files(t, other)[0])
	if err != nil {
		t.Fatal(err)
	}
	y := reopen(t, dir, 1<<20)
	y.add(Record{Key: Key{1}, Data: copied}, record(8, 5))
	flip(t, files(t, dir)[0], keyAt)
	z := reopen(t, dir, 1<<20)
	if len(z.places) != 1 || z.places[record(8, 5).Key].IsZero() {
		t.Errorf("found %d records", len(z.places))
	}
}

func flip(t *testing.T, path string, off int64) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[off] ^= 0xff
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"README", "0000000001-zz.pack", "0000000001-0000000000000000.pack.old"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := reopen(t, dir, 1000)
	x.add(record(1, 1))
	if all, _ := os.ReadDir(dir); len(all) != 4 || !strings.HasPrefix(all[0].Name(), "0000000001-0") {
		t.Errorf("%v", all)
	}
}

func TestSyncIsSharedAndCoversWhatItShould(t *testing.T) {
	x := reopen(t, t.TempDir(), 300)
	var places []Place
	for i := range 8 {
		x.add(record(i, 100))
		places = append(places, x.places[record(i, 100).Key])
	}
	if err := x.log.Sync(places[:3]); err != nil {
		t.Fatal(err)
	}
	for i, p := range places {
		if synced := p.off < p.segment.synced; synced != (i < 4) { // two to a segment
			t.Errorf("record %d: synced %v", i, synced)
		}
	}
	if err := x.log.SyncAll(); err != nil {
		t.Fatal(err)
	}
	if p := places[7]; p.segment.synced != p.segment.size {
		t.Errorf("%d of %d bytes synced", p.segment.synced, p.segment.size)
	}
}
