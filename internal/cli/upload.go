package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/waits"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// upload stays as long as the grid needs the input from here.
func upload(cmd *cobra.Command, grid *sdk.Grid, job *sdk.Job) error {
	view := &uploadView{w: cmd.ErrOrStderr()}
	fmt.Fprintln(view.w, "the grid is copying the input; stay connected")
	last := &anthillv1.Job{}
	for update, err := range grid.Watch(cmd.Context(), job.ID()) {
		if err != nil {
			warnOfMissingInput(cmd, grid, job.ID())
			return err
		}
		if last = update.Job; sdk.Uploaded(last) {
			break
		}
		view.show(last)
	}
	notePassedOver(view.w, last.GetInputPassedOver())
	fmt.Fprintf(view.w, "the grid has the input: you can disconnect now\nfollow it:       anthill status %s --watch\nget its results: anthill results %s -o DIR\n",
		job.ID(), job.ID())
	return nil
}

// uploadView tells how many copies of an input there are, and what more of them wait for.
type uploadView struct {
	w     io.Writer
	shown string
}

func (v *uploadView) show(job *anthillv1.Job) {
	wait := waits.FromProto(job.GetInputWait())
	line := copiesLine(job.GetInputCopies(), job.GetInputCopiesNeeded(), job.GetInputOwners(), job.GetInputOwnersNeeded())
	if key := line + wait.Timeless().Why(time.Time{}); key == v.shown {
		return
	} else {
		v.shown = key
	}
	if text := wait.Text(time.Now()); text != "" {
		line += "; waiting: " + text
	}
	fmt.Fprintln(v.w, line)
}

// copiesLine says how many copies there are of those that are needed.
func copiesLine(copies, needed, owners, ownersNeeded uint32) string {
	return fmt.Sprintf("%d of %d copies%s", copies, needed, lackingOwners(owners, ownersNeeded))
}

// notePassedOver names the coordinators that were not waited for.
func notePassedOver(w io.Writer, list []string) {
	if len(list) > 0 {
		fmt.Fprintf(w, "not waited for: %s; a copy goes there as soon as that is possible\n", strings.Join(list, "; "))
	}
}
