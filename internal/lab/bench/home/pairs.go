//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/lab/homes"
)

// seed is a peer that serves a blob.
type seed struct {
	node, address, blob string
	stdin               io.Closer
	cmd                 *exec.Cmd
}

// pairs has every kind of home fetch from every kind, and cones many times.
func (b bench) pairs(ctx context.Context, r *report) (err error) {
	g, end, err := b.found(ctx)
	if err != nil {
		return err
	}
	var seeds []seed
	defer func() {
		for _, s := range seeds {
			_ = s.stdin.Close() // which ends it
			_ = s.cmd.Wait()
		}
		err = errors.Join(err, end())
	}()
	var from []*homes.Machine
	for i, kind := range homes.Kinds {
		at, err := b.machine(g, fmt.Sprintf("s%d", i), kind)
		if err != nil {
			return err
		}
		s, err := b.serve(ctx, g, at)
		if err != nil {
			return err
		}
		seeds = append(seeds, s)
		m, err := b.machine(g, fmt.Sprintf("f%d", i), kind)
		if err != nil {
			return err
		}
		from = append(from, m)
	}
	direct := 0.0
	for i, a := range homes.Kinds {
		for j, kind := range homes.Kinds {
			p := b.fetch(ctx, g, from[j], seeds[i])
			p.A, p.B = a, kind
			if i == 0 && j == 0 {
				direct = p.rate
			}
			p.Ratio = p.rate / max(direct, 1)
			fmt.Fprintf(b.log, "%s to %s: %s after %.2f s, %.2f of direct\n", p.A, p.B, p.Path, p.Seconds, p.Ratio)
			r.Pairs = append(r.Pairs, p)
		}
	}
	cone := slices.Index(homes.Kinds, homes.Cone)
	var times []float64
	r.Cones = &cones{}
	for range b.tries {
		p := b.fetch(ctx, g, from[cone], seeds[cone])
		if p.Path == "punched" {
			r.Cones.Punched++
		}
		times = append(times, p.Seconds)
	}
	slices.Sort(times)
	if r.Cones.Tries = b.tries; b.tries > 0 {
		r.Cones.Median = times[len(times)/2]
	}
	return nil
}

// peerOn is this program as a peer on a machine.
func peerOn(ctx context.Context, m *homes.Machine, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := m.Command(ctx, self, append([]string{peerMode}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd, nil
}

func (b bench) serve(ctx context.Context, g *homes.Grid, m *homes.Machine) (s seed, err error) {
	token, err := g.Token(ctx, "submitter", "sue")
	if err != nil {
		return s, err
	}
	if s.cmd, err = peerOn(ctx, m, filepath.Join(g.Dir, m.Name), token, m.Address, fmt.Sprint(b.size)); err != nil {
		return s, err
	}
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return s, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	if err := s.cmd.Start(); err != nil {
		return s, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return s, fmt.Errorf("seed on %s: %w", m.Name, err)
	}
	_, err = fmt.Sscan(line, &s.node, &s.address, &s.blob)
	return s, err
}

// fetch has a machine fetch the blob with nothing that it knew before.
func (b bench) fetch(ctx context.Context, g *homes.Grid, m *homes.Machine, s seed) (p pair) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	token, err := g.Token(ctx, "submitter", "sue")
	if err != nil {
		fmt.Fprintln(b.log, err)
		return p
	}
	dir, err := os.MkdirTemp(g.Dir, m.Name)
	if err != nil {
		fmt.Fprintln(b.log, err)
		return p
	}
	defer os.RemoveAll(dir)
	cmd, err := peerOn(ctx, m, dir, token, m.Address, "0", s.node, s.address, s.blob)
	if err == nil {
		var out []byte
		cmd.Stdin = strings.NewReader("")
		if out, err = cmd.Output(); err == nil {
			var f fetched
			err = json.Unmarshal(out, &f)
			p.Path, p.Seconds, p.rate = f.Path, f.Seconds, f.Rate
		}
	}
	if err != nil {
		fmt.Fprintf(b.log, "fetch to %s: %v\n", m.Name, err)
	}
	return p
}
