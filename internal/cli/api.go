package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/sdk"
)

func newAPICommand() *cobra.Command {
	return &cobra.Command{
		Use:   "api",
		Short: "Serve an SDK in another language on stdin and stdout",
		Long: `Serve an SDK in another language on stdin and stdout, in lines of JSON: this is what
the Python package is made of. A request has an id, a method and what that needs; each
line of the answer has the request's id. The messages in them are those of the grid's
contract, as other commands print them with -o json.

  {"id": 1, "method": "submit", "job": {JOB FILE}, "dir": "where its paths begin"}
  {"id": 2, "method": "watch", "job_id": "JOB"}      until it is finished
  {"id": 3, "method": "results", "job_id": "JOB"}    when it is finished: results, failures
  {"id": 4, "method": "job" | "cancel", "job_id": "JOB"}
  {"id": 5, "method": "task", "job_id": "JOB", "task": 7}
  {"id": 6, "method": "differences", "job_id": "JOB", "task": 7}     how its results differ
  {"id": 7, "method": "nodes" | "runtimes"}
  {"id": 8, "method": "stop", "stop": 3}             ends the answer to request 3

What was submitted is served from here until stdin ends.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			s := &apiServer{grid: grid, out: rawWriter(cmd.OutOrStdout()), stops: map[int64]context.CancelFunc{}}
			return s.serve(cmd.Context(), cmd.InOrStdin())
		},
	}
}

// apiRequest is one line of stdin.
type apiRequest struct {
	ID     int64           `json:"id"`
	Method string          `json:"method"`
	Job    json.RawMessage `json:"job"`
	Dir    string          `json:"dir"`
	JobID  string          `json:"job_id"`
	Task   uint32          `json:"task"`
	Stop   int64           `json:"stop"`
}

// apiError is an error in words, and of which kind it is.
type apiError struct {
	Kind    string `json:"kind"` // invalid, not_found, unavailable, refused, cancelled or failed
	Message string `json:"message"`
	Next    string `json:"next,omitempty"`
}

// apiServer answers requests side by side.
type apiServer struct {
	grid *sdk.Grid

	writing sync.Mutex
	out     io.Writer

	mu    sync.Mutex
	stops map[int64]context.CancelFunc // of requests under way
	jobs  []*sdk.Job                   // that are served
	wait  sync.WaitGroup
}

// serve reads requests until there are no more.
func (s *apiServer) serve(ctx context.Context, in io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.end(cancel)
	lines, failed := make(chan []byte), make(chan error, 1)
	go func() {
		reader := bufio.NewReaderSize(in, 1<<20)
		for {
			line, err := reader.ReadBytes('\n')
			if err != nil {
				failed <- err
				return
			}
			select {
			case lines <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case line := <-lines:
			s.begin(ctx, line)
		case err := <-failed:
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("api: read stdin: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *apiServer) end(cancel context.CancelFunc) {
	cancel()
	s.wait.Wait()
	for _, job := range s.jobs {
		_ = job.Close() // the job goes on; there is nothing to do about its temporary files
	}
}

// begin answers one request.
func (s *apiServer) begin(ctx context.Context, line []byte) {
	var req apiRequest
	if err := json.Unmarshal(line, &req); err != nil {
		s.fail(req.ID, problem.Invalid("write one object on each line", "api: %w", err))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.stops[req.ID] = cancel
	s.mu.Unlock()
	s.wait.Add(1)
	go func() {
		defer s.wait.Done()
		err := s.answer(ctx, req)
		s.mu.Lock()
		delete(s.stops, req.ID)
		s.mu.Unlock()
		cancel()
		if err != nil {
			s.fail(req.ID, err)
			return
		}
		s.write(map[string]any{"id": req.ID, "done": true})
	}()
}

func (s *apiServer) answer(ctx context.Context, req apiRequest) error {
	switch req.Method {
	case "submit":
		return s.submit(ctx, req)
	case "watch":
		return s.watch(ctx, req)
	case "results":
		return s.results(ctx, req)
	case "job":
		job, err := s.grid.Job(ctx, req.JobID)
		return s.message(req.ID, "job", job, err)
	case "cancel":
		job, err := s.grid.Cancel(ctx, req.JobID)
		return s.message(req.ID, "job", job, err)
	case "task":
		task, err := s.grid.Task(ctx, req.JobID, req.Task)
		return s.message(req.ID, "task", task, err)
	case "differences":
		for _, log := range differing(ctx, s.grid, req.JobID, &req.Task) {
			if err := s.message(req.ID, "difference", log, nil); err != nil {
				return err
			}
		}
		return nil
	case "nodes":
		return each(s, req.ID, "node", s.grid.Nodes, ctx)
	case "runtimes":
		return each(s, req.ID, "runtime", s.grid.Runtimes, ctx)
	case "stop":
		s.mu.Lock()
		stop := s.stops[req.Stop]
		s.mu.Unlock()
		if stop != nil {
			stop()
		}
		return nil
	}
	return problem.Invalid("see 'anthill api --help'", "api: unknown method %q", req.Method)
}

func (s *apiServer) submit(ctx context.Context, req apiRequest) error {
	file, err := sdk.ParseJobFile(filepath.Join(cmp.Or(req.Dir, "."), "job.json"), req.Job)
	if err != nil {
		return err
	}
	file.AllowOutside = true // the program that asks is the user's own, and reads what he does
	job, err := s.grid.Submit(ctx, file)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.jobs = append(s.jobs, job)
	s.mu.Unlock()
	described, err := s.grid.Job(ctx, job.ID())
	return s.message(req.ID, "job", described, err)
}

func (s *apiServer) watch(ctx context.Context, req apiRequest) error {
	for update, err := range s.grid.Watch(ctx, req.JobID) {
		if err != nil {
			return err
		}
		if err := s.message(req.ID, "job", update.Job, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *apiServer) results(ctx context.Context, req apiRequest) error {
	for r, err := range s.grid.Results(ctx, req.JobID) {
		if err != nil {
			return err
		}
		data, err := r.Bytes(ctx)
		if err != nil {
			return err
		}
		s.write(map[string]any{"id": req.ID, "result": map[string]any{"task": r.Task, "data": data, "fuel": int64(r.Fuel), "blob": r.Digest()}})
	}
	for f, err := range s.grid.Failures(ctx, req.JobID) {
		if err != nil {
			return err
		}
		s.write(map[string]any{"id": req.ID, "failure": map[string]any{
			"task": f.Task, "given_up": f.GivenUp, "exit_code": f.ExitCode, "reason": jobs.Printable(f.Reason)}})
	}
	return nil
}
