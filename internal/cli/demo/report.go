package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/examples/wordcount"
	"github.com/anthill-grid/anthill/sdk"
)

// Report is what the demo saw.
type Report struct {
	Tasks    uint32 `json:"tasks"`
	Attempts uint64 `json:"attempts"`
	// Executions are the attempts per task.
	Executions float64 `json:"executions_per_task"`
	// MaxError is the expected share of wrong results that was asked for, Bound
	// the one that was reached.
	MaxError float64 `json:"max_error"`
	Bound    float64 `json:"bound"`
	// How often attempts at a task came to disagree, and how often an accepted
	// result was taken back or gave way to another.
	Disputes uint32 `json:"disputes"`
	Reopened uint32 `json:"reopened"`
	Changed  uint32 `json:"changed"`
	// WrongOffered are lies that were told, WrongAccepted final results whose
	// bytes are not what their shard gives.
	WrongOffered  int  `json:"wrong_offered"`
	WrongAccepted int  `json:"wrong_accepted"`
	LiarFlagged   bool `json:"liar_flagged"`
	// LiarResults is how many results the liar gave until its ban, lies or not.
	LiarResults int     `json:"liar_results"`
	Failover    float64 `json:"failover_seconds"`
	// Bytes that workers fetched. Peers are other workers and coordinators.
	FromSubmitter    int64   `json:"bytes_from_submitter"`
	FromPeers        int64   `json:"bytes_from_peers"`
	FromCoordinators int64   `json:"bytes_from_coordinators"`
	FromWorkers      int64   `json:"bytes_from_workers"`
	Identical        bool    `json:"identical"`
	Seconds          float64 `json:"seconds"`

	files    int
	bytes    int64
	liarFate string
	victim   string
	total    uint64
	top      []wordcount.Word
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(10*time.Millisecond)) / float64(time.Second)
}

func (d *demo) report(ctx context.Context) (*Report, error) {
	local, err := d.countLocally()
	if err != nil {
		return nil, fmt.Errorf("count locally: %w", err)
	}
	identical, err := same(local, &d.counts)
	if err != nil {
		return nil, err
	}
	traffic, attempts, tasks := d.last.GetFetched(), d.last.GetAttempts(), d.last.GetTasks()
	r := &Report{
		Tasks: tasks.GetTotal(), Attempts: attempts.GetStarted(),
		Executions: math.Round(100*float64(attempts.GetStarted())/float64(max(1, tasks.GetTotal()))) / 100,
		MaxError:   d.last.GetSpec().GetTrust().GetMaxError(), Bound: d.last.GetBound(),
		Disputes: tasks.GetDisputes(), Reopened: tasks.GetReopened(), Changed: tasks.GetChanged(),
		WrongAccepted: d.wrong,
		Failover:      seconds(d.failover),
		FromSubmitter: traffic.GetFromSubmitter(), FromPeers: traffic.GetFromWorkers() + traffic.GetFromCoordinators(),
		FromCoordinators: traffic.GetFromCoordinators(), FromWorkers: traffic.GetFromWorkers(),
		Identical: identical, files: len(d.paths), bytes: d.job.Size(), victim: d.victim,
		total: d.counts.Total(), top: d.counts.Top(5),
	}
	return r, d.judgeLiar(ctx, r)
}

func same(a, b *wordcount.Counts) (bool, error) {
	var left, right bytes.Buffer
	_, errA := a.WriteTo(&left)
	_, errB := b.WriteTo(&right)
	return bytes.Equal(left.Bytes(), right.Bytes()), errors.Join(errA, errB)
}

// judgeLiar asks the liar what it said, and the grid what it thinks of the liar.
func (d *demo) judgeLiar(ctx context.Context, r *Report) (err error) {
	if r.LiarResults, r.WrongOffered, err = d.answers(); err != nil {
		return err
	}
	record, err := d.liarsRecord(ctx)
	if err != nil {
		return err
	}
	r.LiarFlagged, r.liarFate = record.GetBanned(), "got away with it"
	if r.LiarFlagged {
		r.liarFate = fmt.Sprintf("banned after %d results, %d of them lies: %s", r.LiarResults, r.WrongOffered, record.GetBannedReason())
	}
	return nil
}

// Failures are the promises that did not hold; none if all did.
func (r *Report) Failures() []string {
	var list []string
	if r.WrongAccepted > 0 {
		list = append(list, fmt.Sprintf("%d wrong results were accepted", r.WrongAccepted))
	}
	if r.Bound > r.MaxError {
		list = append(list, fmt.Sprintf("a max error of %g was asked for, and %g reached", r.MaxError, r.Bound))
	}
	if !r.Identical {
		list = append(list, "the merged counts are not those of a local count")
	}
	if !r.LiarFlagged {
		list = append(list, "the liar was not caught")
	}
	return list
}

// share is a part of what workers fetched, and how much that is of all.
func (r *Report) share(part int64) string {
	all := max(1, r.FromPeers+r.FromSubmitter)
	return fmt.Sprintf("%.0f %% (%s)", 100*float64(part)/float64(all), sdk.Size(part))
}

// Print writes the report for people. The functions write a small share: as it
// is, and rounded up.
func (r *Report) Print(w io.Writer, share, atMost func(float64) string) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-22s%s\n", name, fmt.Sprintf(format, args...))
	}
	yes := map[bool]string{true: "yes", false: "NO"}
	fmt.Fprintln(w)
	line("input", "%d files, %s", r.files, sdk.Size(r.bytes))
	line("tasks", "%d, with %.2f executions each", r.Tasks, r.Executions)
	line("max error", "%s asked, %s reached", share(r.MaxError), atMost(r.Bound))
	line("wrong results", "%d offered, %d accepted in the end", r.WrongOffered, r.WrongAccepted)
	line("tasks in doubt", "%d disputed, %d reopened, %d changed", r.Disputes, r.Reopened, r.Changed)
	line("the liar", "%s: %s", liar, r.liarFate)
	line("leader killed", "%s; the next result was accepted %.1f s later", r.victim, r.Failover)
	line("workers fetched", "%s from other workers, %s from coordinators, %s from the submitter",
		r.share(r.FromWorkers), r.share(r.FromCoordinators), r.share(r.FromSubmitter))
	var top []string
	for _, word := range r.top {
		top = append(top, fmt.Sprintf("%s %d", word.Text, word.Count))
	}
	line("words", "%d; most often: %s", r.total, strings.Join(top, ", "))
	line("same as a local count", "%s", yes[r.Identical])
	line("time", "%.1f s", r.Seconds)
}
