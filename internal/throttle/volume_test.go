package throttle

import (
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// clock is set by hand.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

var east = time.FixedZone("east", 5*3600)

func openVolume(t *testing.T, limit int64, file string, c *clock) *Volume {
	t.Helper()
	v, err := OpenVolume(VolumeConfig{Limit: limit, File: file, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVolumeIsSpentUntilTheMonthTurns(t *testing.T) {
	c := &clock{time.Date(2026, 12, 31, 23, 59, 58, 0, east)}
	v := openVolume(t, 100, filepath.Join(t.TempDir(), "volume.json"), c)
	v.Add(60)
	v.Add(39)
	if v.Err() != nil {
		t.Errorf("spent too soon: %v", v.Err())
	}
	v.Add(1)
	if err := v.Err(); !errors.Is(err, ErrSpent) || !strings.Contains(err.Error(), "2027-01-01") {
		t.Errorf("got %v", err)
	}
	// In UTC it is still the old year.
	c.at = c.at.Add(2 * time.Second)
	want := Usage{Limit: 100, Until: time.Date(2027, 2, 1, 0, 0, 0, 0, east)}
	if got := v.Usage(); v.Err() != nil || got != want {
		t.Errorf("the next month: %+v, %v", got, v.Err())
	}
	v.Add(100)
	c.at = c.at.Add(-time.Hour)
	if v.Err() == nil {
		t.Error("setting the clock back gives the volume a second time")
	}
	if err := v.Close(); err != nil {
		t.Error(err)
	}
}

func TestVolumeGoesOnAfterARestart(t *testing.T) {
	file, c := filepath.Join(t.TempDir(), "volume.json"), &clock{time.Date(2026, 3, 5, 0, 0, 0, 0, east)}
	v := openVolume(t, 100, file, c)
	v.Add(70)
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	v = openVolume(t, 1000, file, c)
	if u := v.Usage(); u.Used != 70 || u.Limit != 1000 {
		t.Errorf("after a restart: %+v", u)
	}
	c.at = c.at.AddDate(0, 1, 0)
	if u := openVolume(t, 100, file, c).Usage(); u.Used != 0 {
		t.Errorf("a month later: %+v", u)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenVolume(VolumeConfig{Limit: 1, File: file}); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("a damaged file: %v", err)
	}
}

// A process that is killed has not closed anything.
func TestVolumeIsSavedByItselfButNotAllTheTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "volume.json")
	synctest.Test(t, func(t *testing.T) {
		v, err := OpenVolume(VolumeConfig{Limit: 1000, File: file})
		if err != nil {
			t.Fatal(err)
		}
		var saved []string
		for range 10 {
			v.Add(7)
			time.Sleep(time.Second)
			synctest.Wait()
			data, _ := os.ReadFile(file)
			if len(saved) == 0 || saved[len(saved)-1] != string(data) {
				saved = append(saved, string(data))
			}
		}
		time.Sleep(saveEvery)
		synctest.Wait()
		data, _ := os.ReadFile(file)
		if len(saved) > 5 || !strings.Contains(string(data), `"bytes":70`) {
			t.Errorf("saved %q, and at last %q", saved, data)
		}
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestBothWaysCount(t *testing.T) {
	v := openVolume(t, 1000, filepath.Join(t.TempDir(), "volume.json"), &clock{time.Now()})
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	line := New(Limits{}, v)
	l := line.Listen(inner)
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, _ = io.CopyN(c, c, 100)
			_ = c.Close()
		}
	}()
	c, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Write(make([]byte, 100)); err == nil {
		_, err = io.ReadAll(c)
	}
	if u := v.Usage(); err != nil || u.Used != 200 {
		t.Errorf("an echo of 100 bytes counts as %d, %v", u.Used, err)
	}
	if err := errors.Join(c.Close(), v.Close()); err != nil {
		t.Error(err)
	}
	var none *Volume
	none.Add(5)
	if none.Err() != nil || none.Usage() != (Usage{}) || none.Close() != nil {
		t.Error("no volume is not none")
	}
}
