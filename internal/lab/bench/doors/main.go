// Command doors attacks a grid of real processes on this machine as strangers and
// submitters can, and measures what that costs a coordinator and honest callers.
//
//	go run ./internal/lab/bench/doors [--json]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
	"google.golang.org/protobuf/types/known/durationpb"
)

func main() {
	asJSON := flag.Bool("json", false, "print one JSON object")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "bench-doors:", err)
		os.Exit(1)
	}
}

// result is what was measured: by how many MiB the attacked coordinator grew at most,
// what became of the slowest honest calls, what of another owner's could be read, and for
// how long a revoked node was served.
type result struct {
	Strangers    float64 `json:"strangers_mib"`
	Headers      float64 `json:"headers_mib"`
	Unfinished   float64 `json:"unfinished_mib"`
	Idle         float64 `json:"idle_mib"`
	P99Ratio     float64 `json:"p99_ratio"`
	ForeignReads int     `json:"foreign_reads"`
	Revoked      float64 `json:"revoked_served_after_s"`
}

func run(ctx context.Context, asJSON bool) (err error) {
	dir, err := os.MkdirTemp("", "anthill-doors-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	exe := filepath.Join(dir, "anthill")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", exe, "github.com/anthill-grid/anthill").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	grid, err := localgrid.Start(ctx, localgrid.Config{Exe: exe, Dir: filepath.Join(dir, "grid"), Coordinators: 3, Workers: []localgrid.Worker{{Owner: "w"}}})
	if err != nil {
		return err
	}
	defer grid.Close()
	operator, err := sdk.Connect(ctx, sdk.Config{Grid: grid.Context(), Patience: 30 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, operator.Close()) }()
	b := &bench{dir: dir, operator: operator}
	if err := b.find(ctx, grid); err != nil {
		return err
	}
	r, err := b.measure(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	_, err = fmt.Printf("a coordinator grows by at most: strangers %.1f MiB, headers %.1f, unfinished calls %.1f, idle connections %.1f\nhonest calls' p99: %.1f times that at rest\nof another owner's read: %d; a revoked node was served for %.1f s\n",
		r.Strangers, r.Headers, r.Unfinished, r.Idle, r.P99Ratio, r.ForeignReads, r.Revoked)
	return err
}

type bench struct {
	dir      string
	operator *sdk.Grid
	leader   string // HOST:PORT of the coordinator that is attacked
	pid      int
	eve      *identity.Identity // a submitter that attacks
	alice    *identity.Identity // and one that works
}

// find looks for the leader, and lets the submitters in.
func (b *bench) find(ctx context.Context, grid *localgrid.Grid) (err error) {
	name, err := grid.Leader(ctx)
	if err != nil {
		return err
	}
	if b.pid, err = grid.PID(name); err != nil {
		return err
	}
	nodes, err := b.operator.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.GetLeader() {
			b.leader = n.GetAddress()
		}
	}
	if b.eve, err = b.join(ctx, "eve"); err != nil {
		return err
	}
	b.alice, err = b.join(ctx, "alice")
	return err
}

func (b *bench) join(ctx context.Context, owner string) (*identity.Identity, error) {
	token, err := b.operator.CreateToken(ctx, &anthillv1.CreateTokenRequest{
		Role: anthillv1.Role_ROLE_SUBMITTER, Owner: owner, Uses: 1, Lifetime: durationpb.New(time.Hour),
	})
	if err != nil {
		return nil, err
	}
	path := filepath.Join(b.dir, owner)
	if _, err := sdk.Join(ctx, token.GetToken(), path, sdk.JoinOptions{}); err != nil {
		return nil, err
	}
	dir, err := identity.Load(path)
	if err != nil {
		return nil, err
	}
	return dir.Identity, nil
}
