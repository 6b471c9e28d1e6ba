package reach

import (
	"context"
	"time"
)

// First tries addresses until one succeeds: each a head start after the one before, or
// at once when another has failed. What succeeds too late is dropped. If none does, it
// returns the errors in the order of the addresses.
func First[T any](ctx context.Context, addresses []string, try func(context.Context, string) (T, error), drop func(T)) (T, []error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &race[T]{ctx: ctx, addresses: addresses, try: try, finished: make(chan runner[T], len(addresses))}
	value, errs := r.run()
	go r.dropLate(drop)
	return value, errs
}

type race[T any] struct {
	ctx       context.Context
	addresses []string
	try       func(context.Context, string) (T, error)
	finished  chan runner[T]
	begun     int
	ended     int
}

// runner is one address and what came of it.
type runner[T any] struct {
	index int
	value T
	err   error
}

func (r *race[T]) run() (T, []error) {
	timer := time.NewTimer(headStart)
	defer timer.Stop()
	errs := make([]error, len(r.addresses))
	r.begin()
	for r.ended < len(r.addresses) {
		select {
		case got := <-r.finished:
			r.ended++
			if got.err == nil {
				return got.value, nil
			}
			errs[got.index] = got.err
		case <-timer.C:
		}
		r.begin()
		timer.Reset(headStart)
	}
	var none T
	return none, errs
}

// begin starts the next, if there is one.
func (r *race[T]) begin() {
	if r.begun == len(r.addresses) {
		return
	}
	index := r.begun
	r.begun++
	go func() {
		value, err := r.try(r.ctx, r.addresses[index])
		r.finished <- runner[T]{index, value, err}
	}()
}

func (r *race[T]) dropLate(drop func(T)) {
	for ; r.ended < r.begun; r.ended++ {
		if got := <-r.finished; got.err == nil {
			drop(got.value)
		}
	}
}
