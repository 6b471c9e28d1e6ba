package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	"github.com/anthill-grid/anthill/internal/ui"
	"github.com/anthill-grid/anthill/sdk"
)

// drawn is how much of the job is done before pictures are taken, in tasks of its 80.
const drawn = 48

// ofOwnGrid takes the pictures of docs/page.md: a job as it runs on a grid of four owners.
func ofOwnGrid(out string) (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "pictures")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	exe := filepath.Join(dir, "anthill")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", exe, "github.com/anthill-grid/anthill").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, text)
	}
	var workers []localgrid.Worker
	for _, owner := range []string{"ada", "bea", "chen", "dora"} {
		workers = append(workers, localgrid.Worker{Owner: owner, Slots: 1, Prior: 0.001})
	}
	grid, err := localgrid.Start(ctx, localgrid.Config{Exe: exe, Dir: filepath.Join(dir, "grid"), Coordinators: 3, Workers: workers})
	if err != nil {
		return err
	}
	defer grid.Close()
	client, err := sdk.Connect(ctx, sdk.Config{Grid: grid.Context()})
	if err != nil {
		return err
	}
	defer client.Close()
	server, err := ui.Listen("127.0.0.1:0", ui.NewGridHandler(client), func() {})
	if err != nil {
		return err
	}
	go server.Run(ctx) //nolint:errcheck // ends with Close
	defer server.Close()
	job, err := draw(ctx, exe, grid.Context(), client)
	if err != nil {
		return err
	}
	return run(server.Link(), out, "light", "1200", 1480, 2*time.Second, []string{"page-job=#/jobs/" + job})
}

// draw submits the example, and comes back when it is well under way.
func draw(ctx context.Context, exe, grid string, client *sdk.Grid) (string, error) {
	submit := exec.CommandContext(ctx, exe, "submit", "examples/mandelbrot/job.yaml", "--grid", grid)
	submit.Stderr = os.Stderr
	text, err := submit.Output()
	if err != nil {
		return "", fmt.Errorf("submit (are the examples built?): %w", err)
	}
	id := strings.TrimSpace(string(text))
	for {
		job, err := client.Job(ctx, id)
		if err != nil {
			return "", err
		}
		if job.GetTasks().GetDone() >= drawn || sdk.Finished(job) {
			return id, nil
		}
		time.Sleep(200 * time.Millisecond)
	}
}
