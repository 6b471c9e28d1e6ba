package ui

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/jsonapi"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/web"
)

// Worker is what the page of a donor shows.
type Worker interface {
	// Do asks it to pause until a time (zero: without an end), to resume, to drain or for its
	// status alone, and gives what it does then, to be told as JSON.
	Do(ctx context.Context, what string, until time.Time) (status any, err error)
}

// wishes are what the page asks a worker for.
var wishes = map[string]bool{"status": true, "pause": true, "resume": true, "drain": true}

// NewWorkerHandler serves the page of a donor. POST /worker/pause with {"seconds": 3600} is
// its API, with resume, drain and status beside it.
func NewWorkerHandler(worker Worker) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /worker/{wish}", func(w http.ResponseWriter, r *http.Request) { serveWish(worker, w, r) })
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) { web.Serve(w, r, web.Worker) })
	return mux
}

func serveWish(worker Worker, w http.ResponseWriter, r *http.Request) {
	wish := r.PathValue("wish")
	var asked struct {
		Seconds uint32 `json:"seconds"` // 0: without an end
	}
	if !wishes[wish] {
		jsonapi.WriteError(w, problem.ToStatus(codes.NotFound, "a worker cannot be asked to "+wish, "NO_SUCH_WISH", "", ""))
		return
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<10)).Decode(&asked); err != nil {
		jsonapi.WriteError(w, problem.ToStatus(codes.InvalidArgument, "read request: "+err.Error(), "NO_JSON", "", ""))
		return
	}
	var until time.Time
	if asked.Seconds > 0 {
		until = time.Now().Add(time.Duration(asked.Seconds) * time.Second)
	}
	status, err := worker.Do(r.Context(), wish, until)
	if err != nil {
		jsonapi.WriteError(w, problem.ToStatus(codes.Unavailable, err.Error(), "NO_WORKER", "", problem.Next(err)))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(status) // who asked may have left
}
