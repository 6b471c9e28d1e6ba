package reach

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"
)

// way is one attempt to get a connection.
type way struct {
	path  Path
	after time.Duration // its rivals' head start
	try   func(context.Context) (net.Conn, error)
}

// outcome is what came of a way.
type outcome struct {
	way  way
	conn net.Conn
	err  error
}

// overtake takes the ways in order, each when its rivals have had their head start, or as
// soon as all that were begun have failed. The first connection counts, and late ones are
// given to spare. The outcomes are those of all that ended before.
func overtake(ctx context.Context, ways []way, spare func(net.Conn)) (net.Conn, []outcome) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan outcome, len(ways))
	begun, done, began := 0, []outcome(nil), time.Now()
	begin := func() {
		w := ways[begun]
		begun++
		go func() {
			conn, err := w.try(ctx)
			ended <- outcome{w, conn, err}
		}()
	}
	defer func() {
		go dropLate(ended, begun-len(done), spare)
	}()
	for len(done) < len(ways) {
		for begun < len(ways) && (begun == len(done) || time.Since(began) >= ways[begun].after) {
			begin()
		}
		got, ok := next(ctx, ended, begun, ways, began)
		if !ok {
			continue
		}
		done = append(done, got)
		if got.err == nil {
			return got.conn, done
		}
	}
	return nil, done
}

// next waits for an outcome, or until another way is to begin. A context that ends lets
// the ways end.
func next(ctx context.Context, ended <-chan outcome, begun int, ways []way, began time.Time) (outcome, bool) {
	if begun == len(ways) || ctx.Err() != nil {
		return <-ended, true
	}
	timer := time.NewTimer(ways[begun].after - time.Since(began))
	defer timer.Stop()
	select {
	case got := <-ended:
		return got, true
	case <-timer.C:
		return outcome{}, false
	}
}

func dropLate(ended <-chan outcome, n int, spare func(net.Conn)) {
	for range n {
		if got := <-ended; got.err == nil {
			spare(got.conn)
		}
	}
}

// unreached tells why no way led to a node.
func unreached(done []outcome) error {
	var list []string
	var errs failures
	for _, o := range done {
		list = append(list, fmt.Sprintf("%v: %v", o.way.path, o.err))
		errs = append(errs, o.err)
	}
	return &pathsError{strings.Join(list, "; "), errs}
}

// pathsError is of several paths.
type pathsError struct {
	text string
	errs failures
}

func (e *pathsError) Error() string   { return e.text }
func (e *pathsError) Unwrap() []error { return e.errs }

func closeConn(c net.Conn) { _ = c.Close() } // nobody wants it
