package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// bench has the binary, and a directory for everything.
type bench struct {
	dir    string
	binary string
	stderr io.Writer
}

func newBench(ctx context.Context, stderr io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "anthill-bench-swarm-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, binary: filepath.Join(dir, "anthill"), stderr: stderr}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.close()
		return nil, fmt.Errorf("build anthill (run this from the top of its source tree): %w: %s", err, out)
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.dir) } // it lies in the system's temporary directory

// host is a machine with one process.
type host struct {
	ns, address, dir string
	process          *exec.Cmd
	out              *bufio.Reader
	ended            chan struct{}
	done             chan time.Time // when it said that it is complete
	last             string         // what it said then
}

// measure plays one setup through.
func (b *bench) measure(ctx context.Context, s setup) (_ result, err error) {
	dir, err := os.MkdirTemp(b.dir, "run-")
	if err != nil {
		return result{}, err
	}
	r := &round{bench: b, setup: s, dir: dir}
	defer func() { err = errors.Join(err, r.close()) }()
	if r.network, err = newNetwork(ctx); err != nil {
		return result{}, err
	}
	if err := r.prepare(ctx); err != nil {
		return result{}, err
	}
	return r.play(ctx)
}

// round is one grid, from its founding to its end.
type round struct {
	*bench
	setup
	dir         string
	network     *network
	coordinator *host
	seed        *host
	receivers   []*host
	file        []byte
	id          string
}

func (r *round) close() error {
	for _, h := range append([]*host{r.coordinator, r.seed}, r.receivers...) {
		if h != nil {
			h.kill()
		}
	}
	var err error
	if r.network != nil {
		err = r.network.close()
	}
	return errors.Join(err, os.RemoveAll(r.dir))
}

// host makes a machine.
func (r *round) host(ctx context.Context, name string, uplink rate) (*host, error) {
	ns, address, err := r.network.add(ctx, name, uplink)
	if err != nil {
		return nil, err
	}
	h := &host{ns: ns, address: address, dir: filepath.Join(r.dir, name), done: make(chan time.Time, 1)}
	return h, os.Mkdir(h.dir, 0o700)
}

// prepare founds the grid and starts the seed.
func (r *round) prepare(ctx context.Context) (err error) {
	if r.coordinator, err = r.host(ctx, "coord", 0); err != nil {
		return err
	}
	c := r.coordinator
	if err := c.start(r.binary, "coordinator", "--bootstrap", "--data", c.dir+"/data", "--listen", c.address+":7000"); err != nil {
		return err
	}
	token, err := r.token(ctx, 1+r.Peers-r.Liars)
	if err != nil {
		return err
	}
	if r.seed, err = r.member(ctx, "seed", token); err != nil {
		return err
	}
	for i := range r.Peers {
		if i == r.Peers-r.Liars { // liars are of an owner of their own, who will be banned
			if token, err = r.token(ctx, r.Liars); err != nil {
				return err
			}
		}
		h, err := r.member(ctx, "r"+strconv.Itoa(i), token)
		if err != nil {
			return err
		}
		r.receivers = append(r.receivers, h)
	}
	r.file = make([]byte, r.Size)
	rand.Read(r.file) // never fails
	path := filepath.Join(r.dir, "file")
	if err := os.WriteFile(path, r.file, 0o600); err != nil {
		return err
	}
	if err := r.seed.start(r.binary, "serve", path); err != nil {
		return err
	}
	r.id, err = r.seed.line(time.Minute)
	return err
}

// token waits for the coordinator and makes a token for some nodes, which are of one
// owner then.
func (r *round) token(ctx context.Context, uses int) (string, error) {
	for end := time.Now().Add(30 * time.Second); ; {
		out, err := r.coordinator.ask(ctx, r.binary, "--grid", r.coordinator.dir+"/data/operator", "token", "create", "--role", "submitter", "--uses", strconv.Itoa(uses))
		if err == nil {
			return strings.TrimSpace(out), nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return "", err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// member makes a machine that has joined the grid.
func (r *round) member(ctx context.Context, name, token string) (*host, error) {
	h, err := r.host(ctx, name, r.Uplink)
	if err != nil {
		return nil, err
	}
	_, err = h.ask(ctx, r.binary, "join", token)
	return h, err
}

// ask runs a command to its end and gives what it prints.
func (h *host) ask(ctx context.Context, binary string, args ...string) (string, error) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.ns, binary}, args...)...)
	cmd.Env = append(os.Environ(), "ANTHILL_HOME="+h.dir)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("anthill %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return string(out), nil
}

// start runs a command until kill. The binary is run by ip itself (it execs), so
// that the process is anthill's own.
func (h *host) start(binary string, args ...string) error {
	cmd := exec.Command("ip", append([]string{"netns", "exec", h.ns, binary}, args...)...)
	cmd.Env = append(os.Environ(), "ANTHILL_HOME="+h.dir)
	cmd.SysProcAttr = dieWithParent()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	h.process, h.out, h.ended = cmd, bufio.NewReader(out), make(chan struct{})
	go func() {
		defer close(h.ended)
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			h.last = lines.Text()
			if strings.HasPrefix(h.last, "complete:") {
				h.done <- time.Now()
			}
		}
	}()
	return nil
}

// line is the next line that the process prints.
func (h *host) line(patience time.Duration) (string, error) {
	got := make(chan string, 1)
	go func() {
		text, _ := h.out.ReadString('\n')
		got <- strings.TrimSpace(text)
	}()
	select {
	case text := <-got:
		if text == "" {
			return "", fmt.Errorf("%s ended: %s", h.ns, h.last)
		}
		return text, nil
	case <-time.After(patience):
		return "", fmt.Errorf("%s prints nothing for %v", h.ns, patience)
	}
}

// kill ends the process at once; it gives the processor time that it took.
func (h *host) kill() time.Duration {
	if h.process == nil {
		return 0
	}
	_ = h.process.Process.Kill() // it may have ended
	<-h.ended
	_ = h.process.Wait() // it was killed
	used := h.process.ProcessState.UserTime() + h.process.ProcessState.SystemTime()
	h.process = nil
	return used
}

// play lets all receivers begin together, and measures until the last of those
// that live is complete.
func (r *round) play(ctx context.Context) (result, error) {
	uplink := float64(r.Uplink) / 8
	res := result{
		Peers: r.Peers, Size: r.Size, Uplink: r.Uplink.String(),
		FluidBound: fluidBound(r.Size, uplink, r.Peers), PieceBound: pieceBound(r.Size, uplink, r.Peers),
	}
	before, err := r.network.sent(ctx, r.seed.ns)
	if err != nil {
		return res, err
	}
	began := time.Now()
	for i, h := range r.receivers {
		args := []string{"get", r.id, "-o", filepath.Join(h.dir, "file"), "--serve"}
		if i >= r.Peers-r.Liars {
			args = append(args, "--misbehave", "garbage")
		}
		if err := h.start(r.binary, args...); err != nil {
			return res, err
		}
	}
	if r.StopCoordinator {
		time.Sleep(2 * time.Second) // until the slowest has asked for peers
		r.coordinator.kill()
	}
	dead := map[*host]bool{}
	for _, h := range r.receivers[r.Peers-r.Liars:] {
		dead[h] = true // the grid may ban it before it is complete
	}
	if r.Kill > 0 {
		select {
		case <-time.After(time.Duration(res.PieceBound / 2 * float64(time.Second))):
		case <-ctx.Done():
			return res, ctx.Err()
		}
		for _, h := range r.receivers[:r.Kill] {
			h.kill()
			dead[h] = true
		}
	}
	patience := time.After(time.Duration(20*res.PieceBound*float64(time.Second)) + time.Minute)
	for _, h := range r.receivers {
		if dead[h] {
			continue
		}
		select {
		case at := <-h.done:
			res.Seconds = max(res.Seconds, at.Sub(began).Seconds())
		case <-h.ended:
			return res, fmt.Errorf("%s ended: %s", h.ns, h.last)
		case <-patience:
			return res, fmt.Errorf("%s did not get the blob in time: %s", h.ns, h.last)
		case <-ctx.Done():
			return res, ctx.Err()
		}
	}
	return r.sum(ctx, res, before, dead)
}

// sum adds up what it took.
func (r *round) sum(ctx context.Context, res result, before int64, dead map[*host]bool) (result, error) {
	after, err := r.network.sent(ctx, r.seed.ns)
	if err != nil {
		return res, err
	}
	var received, stored int64
	used := r.seed.kill()
	for _, h := range r.receivers {
		used += h.kill()
		if dead[h] {
			continue
		}
		var came, kept, refused int64
		if _, err := fmt.Sscanf(h.last[strings.LastIndexByte(h.last, '(')+1:], "%d bytes came, %d were new, %d peers refused)", &came, &kept, &refused); err != nil {
			return res, fmt.Errorf("%s said %q: %w", h.ns, h.last, err)
		}
		received, stored = received+came, stored+kept
		res.Banned += int(refused)
		res.Wasted = max(res.Wasted, came-kept)
		got, err := os.ReadFile(filepath.Join(h.dir, "file"))
		if err != nil {
			return res, err
		}
		res.BadBytes += differ(got, r.file)
	}
	res.Ratio = res.Seconds / res.PieceBound
	res.SeedRatio = float64(after-before) / float64(r.Size)
	res.Duplicates = 1 - float64(stored)/float64(received)
	res.CPU = used.Seconds() / (float64(stored) / 1e9)
	return res, nil
}

// differ counts the bytes in which two files differ.
func differ(a, b []byte) (n int64) {
	if len(a) != len(b) {
		return int64(max(len(a), len(b)))
	}
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}
