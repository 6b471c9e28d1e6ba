package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/examples/wordcount"
	"github.com/anthill-grid/anthill/sdk"
)

// Report is what the demo saw.
type Report struct {
	Tasks    uint32 `json:"tasks"`
	Attempts uint64 `json:"attempts"`
	// WrongOffered are results that a quorum outvoted, WrongAccepted accepted
	// results whose bytes are not what their shard gives.
	WrongOffered  uint64  `json:"wrong_offered"`
	WrongAccepted int     `json:"wrong_accepted"`
	LiarFlagged   bool    `json:"liar_flagged"`
	Failover      float64 `json:"failover_seconds"`
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
	traffic, attempts := d.last.GetFetched(), d.last.GetAttempts()
	r := &Report{
		Tasks: d.last.GetTasks().GetTotal(), Attempts: attempts.GetStarted(),
		WrongOffered: attempts.GetOutvoted() + uint64(d.wrong), WrongAccepted: d.wrong,
		Failover:      seconds(d.failover),
		FromSubmitter: traffic.GetFromSubmitter(), FromPeers: traffic.GetFromWorkers() + traffic.GetFromCoordinators(),
		FromCoordinators: traffic.GetFromCoordinators(), FromWorkers: traffic.GetFromWorkers(),
		Identical: identical, files: len(d.paths), bytes: d.job.Size(), victim: d.victim,
		total: d.counts.Total(), top: d.counts.Top(10),
	}
	return r, d.judgeLiar(ctx, r)
}

func same(a, b *wordcount.Counts) (bool, error) {
	var left, right bytes.Buffer
	_, errA := a.WriteTo(&left)
	_, errB := b.WriteTo(&right)
	return bytes.Equal(left.Bytes(), right.Bytes()), errors.Join(errA, errB)
}

// judgeLiar asks the grid what it thinks of the liar.
func (d *demo) judgeLiar(ctx context.Context, r *Report) error {
	nodes, err := d.client.Nodes(ctx)
	if err != nil {
		return err
	}
	r.liarFate = "got away with it"
	for _, n := range nodes {
		if n.GetOwner() == liar && n.GetRecord().GetBanned() {
			r.LiarFlagged = true
			r.liarFate = "banned: " + n.GetRecord().GetBannedReason()
		}
	}
	return nil
}

// Failures are the promises that did not hold; none if all did.
func (r *Report) Failures() []string {
	var list []string
	if r.WrongAccepted > 0 {
		list = append(list, fmt.Sprintf("%d wrong results were accepted", r.WrongAccepted))
	}
	if !r.Identical {
		list = append(list, "the merged counts are not those of a local count")
	}
	if !r.LiarFlagged {
		list = append(list, "the liar was not caught")
	}
	return list
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-22s%s\n", name, fmt.Sprintf(format, args...))
	}
	yes := map[bool]string{true: "yes", false: "NO"}
	fmt.Fprintln(w)
	line("input", "%d files, %s", r.files, sdk.Size(r.bytes))
	line("tasks", "%d, with %.2f attempts each", r.Tasks, float64(r.Attempts)/float64(max(1, r.Tasks)))
	line("wrong results", "%d offered, %d accepted", r.WrongOffered, r.WrongAccepted)
	line("the liar", "%s: %s", liar, r.liarFate)
	line("leader killed", "%s; the next result was accepted %.1f s later", r.victim, r.Failover)
	line("workers fetched", "%s from other workers, %s from coordinators, %s from the submitter",
		sdk.Size(r.FromWorkers), sdk.Size(r.FromCoordinators), sdk.Size(r.FromSubmitter))
	var top []string
	for _, word := range r.top {
		top = append(top, fmt.Sprintf("%s %d", word.Text, word.Count))
	}
	line("words", "%d; most often: %s", r.total, strings.Join(top, ", "))
	line("same as a local count", "%s", yes[r.Identical])
	line("time", "%.1f s", r.Seconds)
}
