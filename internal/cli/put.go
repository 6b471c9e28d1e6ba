package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/sdk"
)

func newPutCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "put FILE|DIR",
		Short: "Give a file or a directory to the grid, for many jobs",
		Long: `Give a file or a directory to the grid, and print its id on stdout. The
coordinators keep copies until anthill blobs drop; job files name it as blob:ID, and
anthill get fetches it. A directory may have files, directories and links that stay
within it. What changes while it is read is refused: a copy of it never was there.

Returns once enough coordinators have copies that you can disconnect. If it is
interrupted, run it again: what the grid already has is not sent twice.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			view := &putView{transferView: newTransferView(cmd.ErrOrStderr())}
			defer view.close()
			view.told = view.told.Add(time.Second - linePause) // reading may take long
			id, err := grid.Put(cmd.Context(), args[0], sdk.PutOptions{Name: name, Reading: view.reading, Begun: view.begun, Progress: view.show})
			if err != nil {
				if cmd.Context().Err() != nil {
					view.close()
					fmt.Fprintf(cmd.ErrOrStderr(), "continue with: anthill put %s\n", args[0])
				}
				return err
			}
			view.close()
			to := "FILE"
			if info, err := os.Stat(args[0]); err == nil && info.IsDir() {
				to = "DIR/"
			}
			fmt.Fprintln(cmd.OutOrStdout(), id)
			notePassedOver(cmd.ErrOrStderr(), view.last.PassedOver)
			fmt.Fprintf(cmd.ErrOrStderr(), "the grid has %s: you can disconnect now\nin a job file: blob:%s\nget it with:   anthill get %s -o %s\n",
				sdk.Size(view.last.Size), id, id, to)
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the `name` that anthill blobs shows (default: that of the file)")
	return cmd
}

// putView shows how far a dataset is.
type putView struct {
	*transferView
	last  sdk.PutProgress
	waits string // what it was last said to wait for
}

// reading tells how far the path is read.
func (v *putView) reading(read, size int64) {
	switch {
	case read == size:
		v.tell("hashing "+sdk.Size(size).String(), read, size)
	case size == 0: // of a directory it is not known
		v.tell("reading: "+sdk.Size(read).String(), 0, 0)
	default:
		v.tell(fmt.Sprintf("reading: %s of %s", sdk.Size(read), sdk.Size(size)), read, size)
	}
}

// begun tells what to wait for: jobs lack their data if the submitter leaves earlier.
func (v *putView) begun(id string, size int64) {
	v.transferView.began = time.Now() // of the sending
	v.note(fmt.Sprintf("the grid is copying %s as %s: leave this running until it says that you can disconnect", sdk.Size(size), id))
}

func (v *putView) show(p sdk.PutProgress) {
	v.last = p
	rate := float64(p.Sent) / max(time.Since(v.began).Seconds(), 0.001)
	line := fmt.Sprintf("%s, %s, peers: %d, %s sent, %s/s", sdk.Size(p.Size), copiesLine(p.Copies, p.Needed, p.Owners, p.OwnersNeeded),
		p.Peers, sdk.Size(p.Sent), sdk.Size(int64(rate)))
	wait := waits.FromProto(p.Wait)
	if v.news(wait) {
		v.note(fmt.Sprintf("%s; waiting: %s", copiesLine(p.Copies, p.Needed, p.Owners, p.OwnersNeeded), wait.Text(time.Now())))
	}
	if why := wait.Why(time.Now()); why != "" {
		line += "; waiting: " + why
	}
	v.tell(line, min(p.Sent, p.Size), p.Size)
}

// news says whether it waits for something that was not told before, other than that it
// is being copied.
func (v *putView) news(w waits.Wait) bool {
	if w.Reason == waits.None || w.Reason == waits.Copies {
		return false
	}
	what := w.Timeless().Why(time.Time{})
	told := what == v.waits
	v.waits = what
	return !told
}
