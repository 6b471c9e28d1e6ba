package ui

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/jsonapi"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/web"
)

// Grid is what the page of a grid's user shows.
type Grid interface {
	// Conn calls the grid's coordinators.
	Conn() grpc.ClientConnInterface
	// Output writes a task's accepted result to what open gives.
	Output(ctx context.Context, job string, task uint32, open func(size int64) io.Writer) error
}

// NewGridHandler serves the page of a grid's user.
func NewGridHandler(g Grid) http.Handler {
	api := &jsonapi.Handler{Conn: g.Conn()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /results/{job}/{task}", func(w http.ResponseWriter, r *http.Request) { serveResult(g, w, r) })
	mux.HandleFunc("GET /openapi.json", jsonapi.ServeDocument)
	mux.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if jsonapi.Has(r.URL.Path) || r.Method != http.MethodGet {
			api.ServeHTTP(w, r)
			return
		}
		web.Serve(w, r, web.Grid)
	}))
	return mux
}

// serveResult gives the bytes of a result. Whoever made them is a stranger: they are a picture
// or nothing that a browser would run, in this page or beside it.
func serveResult(g Grid, w http.ResponseWriter, r *http.Request) {
	task, err := strconv.ParseUint(r.PathValue("task"), 10, 32)
	if err != nil {
		jsonapi.WriteError(w, problem.ToStatus(codes.InvalidArgument, fmt.Sprintf("task %q is no number", r.PathValue("task")), "NO_NUMBER", "", ""))
		return
	}
	out := &resultWriter{w: w}
	err = g.Output(r.Context(), r.PathValue("job"), uint32(task), out.sized)
	if err != nil && !out.begun {
		jsonapi.WriteError(w, err)
	} else if err != nil {
		panic(http.ErrAbortHandler) // half a result must not look like a whole one
	}
}

// resultWriter finds out from a result's first bytes what it is.
type resultWriter struct {
	w     http.ResponseWriter
	size  int64
	begun bool
}

func (o *resultWriter) sized(size int64) io.Writer {
	o.size = size
	if size == 0 {
		o.begin(nil)
	}
	return o
}

func (o *resultWriter) begin(first []byte) {
	kind := KindOf(first)
	head := o.w.Header()
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	head.Set("Content-Type", kind)
	head.Set("Content-Length", strconv.FormatInt(o.size, 10))
	head.Set("Cache-Control", "no-store")
	if kind == plain {
		head.Set("Content-Disposition", "attachment")
	}
	o.begun = true
}

func (o *resultWriter) Write(p []byte) (int, error) {
	if !o.begun {
		o.begin(p)
	}
	return o.w.Write(p)
}
