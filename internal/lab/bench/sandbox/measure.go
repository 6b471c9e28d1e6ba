package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/bench/sandbox/guests"
)

// patience bounds a run on a machine that is slow or has other work: after it
// each guest gets a single round.
const patience = 4 * time.Minute

// row is what one guest in one language took.
type row struct {
	Guest    string          `json:"guest"`
	Language guests.Language `json:"language"`
	Size     int             `json:"size"`
	// Seconds of CPU time by variant.
	Seconds map[string]float64 `json:"seconds"`
}

// measure runs a guest in all variants in turn. All must write the same.
func (b *bench) measure(ctx context.Context, g guests.Guest, language guests.Language) (row, error) {
	all := variants()
	runners, err := b.startAll(ctx, all, g.Name, language)
	defer func() {
		for _, r := range runners {
			if r != nil {
				r.close()
			}
		}
	}()
	if err != nil {
		return row{}, err
	}
	r := row{Guest: g.Name, Language: language, Size: g.Sizes[language], Seconds: map[string]float64{}}
	best := make([]sample, len(all))
	for round := range b.rounds {
		for i, v := range all {
			if round > 0 && (v.once || time.Since(b.began) > patience) {
				continue
			}
			s, err := runners[i].run(ctx, []string{strconv.Itoa(r.Size)}, 1)
			if err != nil {
				return row{}, fmt.Errorf("%s: %w", v.key, err)
			}
			if s.output != best[0].output && i+round > 0 {
				return row{}, fmt.Errorf("%s writes %q, %s %q", v.key, s.output, all[0].key, best[0].output)
			}
			if round > 0 {
				s = s.best(best[i])
			}
			best[i] = s
			r.Seconds[v.key] = s.cpu.Seconds()
		}
	}
	return r, nil
}

// startAll builds and compiles for all variants at once: that is not measured,
// and takes the longest.
func (b *bench) startAll(ctx context.Context, all []variant, name string, language guests.Language) ([]runner, error) {
	runners, errs := make([]runner, len(all)), make([]error, len(all))
	var started sync.WaitGroup
	for i, v := range all {
		started.Go(func() {
			r, err := v.start(ctx, b, v, language, name)
			if err != nil {
				errs[i] = fmt.Errorf("start %s: %w", v.key, err)
				return
			}
			runners[i] = r
		})
	}
	started.Wait()
	return runners, errors.Join(errs...)
}
