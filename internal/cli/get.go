package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/sdk"
)

// get is what `anthill get` was asked.
type get struct {
	path      string // a file, DIR/, or - for stdout
	serve     bool
	misbehave string
}

func newGetCommand() *cobra.Command {
	var g get
	cmd := &cobra.Command{
		Use:   "get BLOB -o FILE",
		Short: "Get a blob from all machines that have it",
		Long: `Get a blob, by the id that anthill put or serve printed, from all machines that
have pieces of it at once, and serve it to others that are getting it. Every piece
is checked by its hash before it is used.

If it is interrupted, it keeps what has come in FILE.part, and continues there when it
is run again. -o - writes to stdout, in order, while it loads; -o DIR/ recreates the
directory that was put.

There must be room for the whole blob, and for DIR/ twice that, or nothing is
fetched. -o - needs the room in $TMPDIR or, if that is not set, in the user's cache
directory (/tmp is often in memory): other machines are served from there
meanwhile.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return g.run(cmd, args[0]) },
	}
	cmd.Flags().StringVarP(&g.path, "output", "o", "", "the `file` to write, or DIR/; - for stdout (required)")
	cmd.Flags().BoolVar(&g.serve, "serve", false, "go on serving it to others, until interrupted")
	cmd.Flags().StringVar(&g.misbehave, "misbehave", "", "serve `garbage`, for trying out whether others notice")
	if err := cmd.MarkFlagRequired("output"); err != nil {
		panic("cli: the flag that was just made: " + err.Error())
	}
	return cmd
}

func (g *get) run(cmd *cobra.Command, id string) error {
	if g.misbehave != "" && g.misbehave != "garbage" {
		return problem.Invalid("the only way to misbehave is garbage", "--misbehave %s: no such way", g.misbehave)
	}
	grid, err := connect(cmd, followPatience)
	if err != nil {
		return err
	}
	defer grid.Close()
	opts, leave, err := g.options(cmd)
	if err != nil {
		return err
	}
	defer leave()
	view := newTransferView(cmd.ErrOrStderr())
	defer view.close()
	opts.Progress, opts.Done = view.show, view.done
	if opts.Stream != nil {
		defer survivePipe()()
	}
	err = grid.FetchBlob(cmd.Context(), id, opts)
	if opts.Stream != nil && errors.Is(err, syscall.EPIPE) {
		return errPipe
	}
	if err != nil && cmd.Context().Err() != nil && opts.Path != "" {
		view.close()
		fmt.Fprintf(cmd.ErrOrStderr(), "continue with: anthill get %s -o %s\n", id, g.path)
	}
	return err
}

// options tells from the path in which form the blob is wanted. leave closes what
// they hold open.
func (g *get) options(cmd *cobra.Command) (opts sdk.FetchOptions, leave func(), err error) {
	opts = sdk.FetchOptions{Path: g.path, Serve: g.serve, Garbage: g.misbehave != ""}
	leave = func() {}
	switch {
	case g.path == "-":
		opts.Path, opts.Stream = "", rawWriter(cmd.OutOrStdout())
		return opts, leave, nil
	case strings.HasSuffix(g.path, "/"):
		opts.Path, opts.Unpack = strings.TrimRight(g.path, "/"), true
	}
	if opts.Path == "" {
		return opts, leave, problem.Invalid("name a file, or a directory that does not exist yet", "-o %q: cannot be written", g.path)
	}
	through, err := writtenThrough(opts.Path)
	if err != nil || !through || opts.Unpack {
		return opts, leave, err
	}
	file, err := openThrough(cmd.Context(), opts.Path, cmd.ErrOrStderr())
	if err != nil {
		return opts, leave, err
	}
	opts.Path, opts.Stream = "", file
	stop := context.AfterFunc(cmd.Context(), func() { _ = file.SetDeadline(time.Now()) })
	return opts, func() { stop(); _ = file.Close() }, nil
}

// survivePipe lets a write to a pipe that nobody reads any more fail, where it would
// end the process and leave its files behind. The returned function takes that back.
// The signal is caught, not ignored: children would inherit that.
func survivePipe() (restore func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGPIPE)
	return func() { signal.Stop(signals) }
}

// transferView shows how a blob comes: a bar on terminals, a line now and then
// elsewhere.
type transferView struct {
	w      io.Writer
	began  time.Time
	told   time.Time
	bar    *bar // nil: lines
	closed bool
}

func newTransferView(w io.Writer) *transferView {
	v := &transferView{w: w, began: time.Now(), told: time.Now()}
	if isTerminal(w) {
		v.bar = newBar(w)
	}
	return v
}

func (v *transferView) line(p sdk.FetchProgress) string {
	rate := float64(p.New) / max(time.Since(v.began).Seconds(), 0.001)
	return fmt.Sprintf("%s of %s, peers: %d, %s/s%s", sdk.Size(p.Have), sdk.Size(p.Size), p.Peers, sdk.Size(int64(rate)), sources(p))
}

// sources tells who sent what came. Coordinators are peers as well: they are named, so
// that no share says more for the other peers than is true.
func sources(p sdk.FetchProgress) string {
	all := p.FromPeers + p.FromCoordinators
	if all == 0 {
		return ""
	}
	var text string
	for _, from := range []struct {
		who string
		n   int64
	}{{"coordinators", p.FromCoordinators}, {"workers", p.FromWorkers}, {"other members", p.FromPeers - p.FromWorkers}} {
		if from.n > 0 {
			text += fmt.Sprintf(", %d %% from %s", int64(math.Round(100*float64(from.n)/float64(all))), from.who)
		}
	}
	return text
}

func (v *transferView) show(p sdk.FetchProgress) {
	switch {
	case p.Size > 0:
		v.tell(v.line(p), p.Have, p.Size)
	default:
		v.tell("looking for who has it", 0, 0)
	}
}

// tell shows a line, and how much is done of the total.
func (v *transferView) tell(line string, done, total int64) {
	switch {
	case v.bar != nil:
		v.bar.set(line, done, total)
	case time.Since(v.told) >= linePause:
		v.told = time.Now()
		fmt.Fprintln(v.w, line)
	}
}

// note says something that is to stay to be read.
func (v *transferView) note(text string) {
	if v.bar != nil {
		v.bar.note(text)
		return
	}
	fmt.Fprintln(v.w, text)
}

// done says how it went.
func (v *transferView) done(p sdk.FetchProgress) {
	line := v.line(p)
	v.close()
	fmt.Fprintf(v.w, "complete: %s in %.1f s (%d bytes came, %d were new, %d peers refused)\n", line, time.Since(v.began).Seconds(), p.Received, p.New, p.Refused)
}

func (v *transferView) close() {
	if v.bar != nil && !v.closed {
		v.bar.close()
	}
	v.closed = true
}
