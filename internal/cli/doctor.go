package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/contexts"
	"github.com/anthill-grid/anthill/internal/doctor"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/sandbox"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// checkup is what the doctor says of a machine.
type checkup struct {
	doctor.Report
	Disk  int64    `json:"disk_free"` // bytes in the working directory, -1 if that is not known
	Walls []string `json:"walls"`     // that stand around tasks
	walls walls.State
}

func newDoctorCommand() *cobra.Command {
	var token joinToken
	patient := doctor.Patient{}
	output := formatTable
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out how this machine's network, clock, disk and sandbox suit the grid",
		Long: `Find out how this machine suits the grid: which coordinators it reaches and how fast,
what kind of router it is behind, whether others can dial it, its clock against the
grid's, its disk, and the walls around tasks; and what to do about each.

With a token (--join -) it looks before this machine has joined; then nobody dials it
back. Of a worker, name its data directory with --grid, and its port with --listen
while it is stopped.`,
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error { return checkAdvertised(patient.Advertised) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := findPatient(cmd, &token, &patient); err != nil {
				return err
			}
			c := checkup{Report: doctor.Examine(cmd.Context(), patient)}
			c.examineMachine(cmd.Context())
			if output == formatJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(c)
			}
			return writeCheckup(cmd.OutOrStdout(), c)
		},
	}
	cmd.Flags().StringVar(&patient.Listen, "listen", ":0", "HOST:PORT at which to be dialled")
	advertiseFlag(cmd, &patient.Advertised)
	portMappingFlag(cmd, &patient.NoPortMapping)
	token.flags(cmd)
	addFormatFlag(cmd, &output)
	return cmd
}

// findPatient finds the coordinators in a token or, where there is none, in a context.
func findPatient(cmd *cobra.Command, token *joinToken, p *doctor.Patient) error {
	text, err := token.read(cmd.InOrStdin())
	if err != nil {
		return err
	}
	if text != "" {
		t, err := identity.ParseToken(text)
		if err != nil {
			return problem.Invalid("ask the grid's operator for another", "doctor: %w", err)
		}
		p.Coordinators = t.Addresses
		return nil
	}
	grid, err := cmd.Flags().GetString("grid")
	if err != nil {
		return err
	}
	path, err := contexts.Resolve(grid)
	if err != nil {
		return err
	}
	dir, err := identity.Load(path)
	if err != nil {
		return problem.NotFound("join a grid first, or look with its token: anthill doctor --join -", "doctor: %w", err)
	}
	p.Identity, p.Coordinators = dir.Identity, dir.Coordinators
	return nil
}

// examineMachine looks at the disk and the sandbox.
func (c *checkup) examineMachine(ctx context.Context) {
	free, _, err := blobstore.DiskSpace(".")
	if err != nil {
		free = -1
	}
	if c.Disk = free; free >= 0 && free < limits.MinDisk {
		c.Advice = append(c.Advice, fmt.Sprintf("only %v of the disk are free here: choose a --data directory on another", sdk.Size(free)))
	}
	if c.walls, err = ownWalls(ctx); err != nil {
		c.Advice = append(c.Advice, "no task can be run here: "+err.Error())
		return
	}
	c.Walls = c.walls.Standing
	if !stands(c.walls, "seccomp") || !stands(c.walls, "landlock") {
		c.Advice = append(c.Advice, "not all walls stand around tasks: a Linux kernel of 5.13 or later has them")
	}
}

// ownWalls starts a process as those in which tasks run.
func ownWalls(ctx context.Context) (walls.State, error) {
	exe, err := os.Executable()
	if err != nil {
		return walls.State{}, err
	}
	dir, err := os.MkdirTemp("", "anthill-doctor")
	if err != nil {
		return walls.State{}, err
	}
	defer os.RemoveAll(dir)
	slot, err := sandbox.NewSlot(sandbox.Config{Command: []string{exe, sandboxChild}, CacheDir: dir})
	if err != nil {
		return walls.State{}, err
	}
	defer slot.Close()
	return slot.Walls(ctx)
}

// portMapping is what came of asking the router for a port, "" where nobody has.
func (c checkup) portMapping() string {
	switch m := c.PortMapping; {
	case m == nil:
		return ""
	case m.Error != "":
		return "does not work: " + m.Error
	case m.Leads:
		return fmt.Sprintf("works by %s: %s leads here", m.By, m.Port)
	default:
		return fmt.Sprintf("the router has opened %s by %s, but nothing comes in there", m.Port, m.By)
	}
}

func writeCheckup(w io.Writer, c checkup) error {
	var fields [][2]string
	for _, x := range c.Coordinators {
		text := fmt.Sprintf("%s: %s, %.1f ms", x.Address, x.Path, x.Milliseconds)
		switch {
		case x.Error != "":
			text = x.Address + ": not reached: " + x.Error
		case x.UDP == "":
			text += ", no answer by UDP"
		default:
			text += ", sees " + x.UDP + " by UDP"
		}
		fields = append(fields, [2]string{"reaches", text})
	}
	fields = append(fields, [2]string{"router", c.Router}, [2]string{"port mapping", c.portMapping()}, [2]string{"public", c.Public}, [2]string{"path", c.Path})
	for _, l := range c.Looks {
		if l.Answered != "" {
			fields = append(fields, [2]string{"dialled", l.Address + ": it leads here"})
			continue
		}
		fields = append(fields, [2]string{"dialled", l.Address + ": " + l.Why})
	}
	if a := c.ClockAhead; a != nil {
		fields = append(fields, [2]string{"clock", fmt.Sprintf("%+.1f s against the grid's", *a)})
	}
	if c.Disk >= 0 {
		fields = append(fields, [2]string{"disk", sdk.Size(c.Disk).String() + " free here"})
	}
	fields = append(fields, [2]string{"walls", c.walls.String()})
	for _, sentence := range c.Advice {
		fields = append(fields, [2]string{"to do", sentence})
	}
	if len(c.Advice) == 0 {
		fields = append(fields, [2]string{"to do", "nothing: all is well"})
	}
	return writeFields(w, fields)
}
