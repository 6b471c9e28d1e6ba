package pack

import (
	"os"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func (x *index) compact(short bool) {
	x.t.Helper()
	if err := x.log.Compact(x, short); err != nil {
		x.t.Fatal(err)
	}
}

func TestCompactFreesWhatIsDead(t *testing.T) {
	dir := t.TempDir()
	x := reopen(t, dir, 10_000)
	for i := range 1000 {
		x.add(record(i, 100))
	}
	for i := range 1000 {
		if i%10 != 0 {
			x.drop(record(i, 100))
		}
	}
	if !x.log.Due(false) {
		t.Fatal("nothing is due")
	}
	x.compact(false)
	x.check("compacted")
	if dead, most := x.log.Dead(), x.log.live/4+x.log.limit; dead > most {
		t.Errorf("%d bytes are dead, more than %d", dead, most)
	}
	var onDisk int64
	for _, path := range files(t, dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		onDisk += info.Size()
	}
	if onDisk != x.log.size {
		t.Errorf("%d bytes on disk, counted %d", onDisk, x.log.size)
	}
	x.same(reopen(t, dir, 10_000), "reopened")
}

func TestAnEmptySegmentGoesAtOnce(t *testing.T) {
	dir := t.TempDir()
	x := reopen(t, dir, 1000)
	for i := range 30 {
		x.add(record(i, 100))
	}
	before := len(files(t, dir))
	for i := range 7 {
		x.drop(record(i, 100))
	}
	if !x.log.Due(false) {
		t.Fatal("nothing is due")
	}
	x.compact(false)
	if after := len(files(t, dir)); after != before-1 {
		t.Errorf("%d files, then %d", before, after)
	}
	x.check("compacted")
}

func TestAShortDiskGetsWhatIsDeadInTheNewestToo(t *testing.T) {
	x := reopen(t, t.TempDir(), 1<<20)
	for i := range 10 {
		x.add(record(i, 1000))
	}
	for i := range 5 {
		x.drop(record(i, 1000))
	}
	if x.log.Due(false) {
		t.Error("due though it is little")
	}
	if !x.log.Due(true) {
		t.Error("not due")
	}
	x.compact(true)
	if x.log.Dead() != 0 {
		t.Errorf("%d bytes are dead", x.log.Dead())
	}
	x.compact(true)
	x.check("compacted")
}

// What was appended and is not in the index yet must not be thrown away.
func TestCompactLeavesWhatIsNotInTheIndexYet(t *testing.T) {
	x := reopen(t, t.TempDir(), 1000)
	fresh := record(0, 100)
	places, err := x.log.Append([]Record{fresh})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < 30; i++ {
		x.add(record(i, 100))
	}
	for i := 1; i < 30; i++ {
		x.drop(record(i, 100))
	}
	x.compact(true)
	x.places[fresh.Key], x.datas[fresh.Key] = places[0], fresh.Data
	x.check("compacted")
}

// A crash between the copy and the removal leaves two: one counts.
func TestCopiesCountOnce(t *testing.T) {
	dir := t.TempDir()
	x := reopen(t, dir, 1<<20)
	x.add(record(1, 100), record(2, 100))
	x.add(record(1, 100))
	y := reopen(t, dir, 1<<20)
	if len(y.places) != 2 || y.log.live != 2*Cost(100) {
		t.Fatalf("%d records, %d bytes live", len(y.places), y.log.live)
	}
	y.drop(record(1, 100))
	if z := reopen(t, dir, 1<<20); len(z.places) != 1 {
		t.Errorf("a dropped record came back")
	}
}

func TestCompactBesideOthers(t *testing.T) {
	x := reopen(t, t.TempDir(), 20_000)
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 200 {
				r := record(1000*g+i, 300)
				x.add(r)
				x.mu.Lock()
				at := x.places[r.Key]
				x.mu.Unlock()
				if err := x.log.Sync([]Place{at}); err != nil {
					t.Error(err)
				}
				if i%4 != 0 {
					x.drop(r)
				}
				if err := x.log.Compact(x, g == 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	x.compact(false)
	x.check("at the end")
	if len(x.places) != 4*50 || x.log.live != 200*Cost(300) {
		t.Errorf("%d records, %d bytes live", len(x.places), x.log.live)
	}
}

// TestLogAgreesWithMap is the model test: whatever is done, the log has what a map
// would have, also after a reopen without a close.
func TestLogAgreesWithMap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "pack")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		segment := rapid.Int64Range(1, 3000).Draw(rt, "segment")
		x := reopen(t, dir, segment)
		draw := func(rt *rapid.T) Record {
			return record(rapid.IntRange(0, 30).Draw(rt, "seed"), rapid.SampledFrom([]int{8, 200, 900}).Draw(rt, "size"))
		}
		rt.Repeat(map[string]func(*rapid.T){
			"add": func(rt *rapid.T) {
				var batch []Record
				for range rapid.IntRange(1, 4).Draw(rt, "records") {
					r := draw(rt)
					if x.places[r.Key].IsZero() && !slices.ContainsFunc(batch, func(o Record) bool { return o.Key == r.Key }) {
						batch = append(batch, r)
					}
				}
				if len(batch) > 0 {
					x.add(batch...)
				}
			},
			"drop": func(rt *rapid.T) {
				if r := draw(rt); !x.places[r.Key].IsZero() {
					x.drop(r)
				}
			},
			"compact": func(rt *rapid.T) { x.compact(rapid.Bool().Draw(rt, "short")) },
			"reopen": func(rt *rapid.T) {
				y := reopen(t, dir, segment)
				x.same(y, "reopened")
				x = y
			},
			"": func(*rapid.T) { x.check("after a step") },
		})
	})
}

func BenchmarkOpenMillion(b *testing.B) {
	dir := b.TempDir()
	x := reopen(b, dir, 64<<20)
	for i := range 1000 {
		var batch []Record
		for k := range 1000 {
			batch = append(batch, record(1000*i+k, 100))
		}
		if _, err := x.log.Append(batch); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		n := 0
		l, err := Open(Config{Dir: dir, Segment: 64 << 20}, func(Found) { n++ })
		if err != nil || n != 1_000_000 {
			b.Fatal(n, err)
		}
		_ = l.Close()
	}
}
