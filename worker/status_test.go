package worker

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/throttle"
)

func TestStatusTellsWhatIsLeftOfTheMonth(t *testing.T) {
	w, _ := newWorker(t)
	w.base.Directory = somebody(t)
	if v := w.Status().Volume; v != nil {
		t.Errorf("without a limit: %+v", v)
	}
	var err error
	w.base.Volume, err = throttle.OpenVolume(throttle.VolumeConfig{Limit: 10, File: filepath.Join(t.TempDir(), "volume.json")})
	if err != nil {
		t.Fatal(err)
	}
	w.base.Volume.Add(3)
	if v := w.Status().Volume; v == nil || v.Used != 3 || v.Limit != 10 || !v.Until.After(time.Now()) {
		t.Errorf("got %+v", v)
	}
	if err := w.base.Volume.Close(); err != nil {
		t.Error(err)
	}
}
