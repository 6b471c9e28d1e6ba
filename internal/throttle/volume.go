package throttle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrSpent: the line has carried all that it may this month.
var ErrSpent = errors.New("the monthly volume is used up")

// saveEvery is the longest time for which what a line carried is only in memory, and
// so what a crash forgets.
const saveEvery = 3 * time.Second

// VolumeConfig says how much a line may carry.
type VolumeConfig struct {
	// Limit is in bytes, both ways together, for each calendar month of Now's time
	// zone.
	Limit int64
	// File keeps the count over restarts.
	File string
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger // nil means none
}

// Volume counts the bytes that a line carries in a month. It is safe for use by many
// goroutines. A nil Volume counts nothing and is never spent.
type Volume struct {
	limit  int64
	file   string
	now    func() time.Time
	logger *slog.Logger

	mu     sync.Mutex
	count  count
	saving *time.Timer // nil: nothing is to be saved
}

// count is what the file holds.
type count struct {
	Month string `json:"month"` // such as 2026-11
	Bytes int64  `json:"bytes"`
}

// Usage is how far a month's volume is used.
type Usage struct {
	Used, Limit int64     // bytes; a Limit of 0 means none
	Until       time.Time // when the count starts again from 0
}

// OpenVolume continues the count in the file. Close it to keep the last bytes.
func OpenVolume(cfg VolumeConfig) (*Volume, error) {
	if cfg.Limit <= 0 || cfg.File == "" {
		return nil, fmt.Errorf("open volume %q: want a file and a limit above 0, not %d", cfg.File, cfg.Limit)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	v := &Volume{limit: cfg.Limit, file: cfg.File, now: cfg.Now, logger: cfg.Logger}
	data, err := os.ReadFile(cfg.File)
	if err == nil {
		err = json.Unmarshal(data, &v.count)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open volume: %s: %w: remove it to count from 0", cfg.File, err)
	}
	return v, nil
}

// turn begins a new month. A clock that is set back does not give the volume a second
// time. It is called with mu held.
func (v *Volume) turn() {
	if month := v.now().Format("2006-01"); month > v.count.Month {
		v.count = count{Month: month}
	}
}

// Add counts n bytes.
func (v *Volume) Add(n int) {
	if v == nil || n <= 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn()
	v.count.Bytes += int64(n)
	if v.saving == nil {
		v.saving = time.AfterFunc(saveEvery, v.saveLater)
	}
}

// Err is nil while more may be carried, and wraps ErrSpent then.
func (v *Volume) Err() error {
	u := v.Usage()
	if u.Limit == 0 || u.Used < u.Limit {
		return nil
	}
	return fmt.Errorf("%w until %s", ErrSpent, u.Until.Format("2006-01-02"))
}

// Usage tells how far this month's volume is used.
func (v *Volume) Usage() Usage {
	if v == nil {
		return Usage{}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.turn()
	year, month, _ := v.now().Date()
	return Usage{Used: v.count.Bytes, Limit: v.limit, Until: time.Date(year, month+1, 1, 0, 0, 0, 0, v.now().Location())}
}

func (v *Volume) saveLater() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.saving == nil {
		return // closed
	}
	v.saving = nil
	if err := v.save(); err != nil {
		v.logger.Error("failed to save the monthly volume", "error", err)
	}
}

// save is called with mu held.
func (v *Volume) save() error {
	data, err := json.Marshal(v.count)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(v.file), filepath.Base(v.file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), v.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// Close keeps what was counted last.
func (v *Volume) Close() error {
	if v == nil {
		return nil
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.saving == nil {
		return nil
	}
	v.saving.Stop()
	v.saving = nil
	if err := v.save(); err != nil {
		return fmt.Errorf("save the monthly volume: %w", err)
	}
	return nil
}
