package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/steady"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/sdk"
)

func newTaskCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "task",
		Short: "Try out a task's module on this machine, without a grid",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTaskTestCommand(), newTaskInspectCommand())
	return cmd
}

// taskFlags are how a task is described without a job file.
type taskFlags struct {
	args, env, data []string
	memory, output  int64
	time            time.Duration
	fuel            sdk.Fuel
	unknown         string
}

// jobFields are the flags that a job file has fields for.
var jobFields = []string{"args", "env", "data", "memory", "output-limit", "time", "fuel", "unknown-imports"}

func (f *taskFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.args, "args", nil, "an `argument` of the guest; once for each")
	flags.StringArrayVar(&f.env, "env", nil, "a variable of the guest, `K=V`; once for each")
	flags.StringArrayVar(&f.data, "data", nil, "a data file, `NAME=PATH`, which the guest reads as /data/NAME; once for each")
	flags.Var((*sizeFlag)(&f.memory), "memory", "limit of the guest's memory (default 512MiB)")
	flags.Var((*sizeFlag)(&f.output), "output-limit", "limit of the result (default 16MiB)")
	flags.DurationVar(&f.time, "time", 0, "limit of the time on the compiler (default 10m)")
	flags.Var((*fuelFlag)(&f.fuel), "fuel", "limit of the work, such as 5G (default no limit)")
	flags.StringVar(&f.unknown, "unknown-imports", "", "imports that the grid does not have: refuse, or trap to let the task fail when it calls one (default refuse)")
}

// file is the job file that the flags stand for, of one task.
func (f *taskFlags) file(module string) (*sdk.JobFile, error) {
	job, err := f.terms()
	if err != nil {
		return nil, err
	}
	job.Bundle, job.Input = module, sdk.Input{Items: []any{""}}
	return job, job.Check()
}

// terms are what the flags say of any job.
func (f *taskFlags) terms() (*sdk.JobFile, error) {
	job := &sdk.JobFile{
		Name: "test", Args: f.args, UnknownImports: f.unknown,
		Limits: sdk.Limits{Time: sdk.Duration(f.time), Memory: sdk.Size(f.memory), Output: sdk.Size(f.output), Fuel: f.fuel},
	}
	var err error
	if job.Env, err = pairs("--env", "K=V", f.env); err != nil {
		return nil, err
	}
	if job.Data, err = pairs("--data", "NAME=PATH", f.data); err != nil {
		return nil, err
	}
	return job, nil
}

// pairs splits the values of a flag.
func pairs(flag, form string, list []string) (map[string]string, error) {
	all := map[string]string{}
	for _, pair := range list {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || key == "" {
			return nil, problem.Invalid("write it like "+flag+" "+form, "%s %q: want %s", flag, pair, form)
		}
		all[key] = value
	}
	return all, nil
}

// fuelFlag is an amount of fuel.
type fuelFlag sdk.Fuel

// Set implements pflag.Value.
func (f *fuelFlag) Set(s string) error {
	fuel, err := sdk.ParseFuel(s)
	if err == nil && fuel == 0 {
		err = fmt.Errorf("%q is too little", s)
	}
	if err == nil {
		*f = fuelFlag(fuel)
	}
	return err
}

// String implements pflag.Value.
func (f *fuelFlag) String() string {
	if *f == 0 {
		return ""
	}
	return sdk.Fuel(*f).String()
}

// Type implements pflag.Value.
func (f *fuelFlag) Type() string { return "fuel" }

// readModule reads a module that somebody named.
func readModule(path string) ([]byte, error) {
	module, err := steady.ReadAll(path, 1<<30) // what the screen says of large ones is better
	if errors.Is(err, fs.ErrNotExist) {
		return nil, problem.Invalid("give the path of a .wasm file", "module %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("module %w", err)
	}
	return module, nil
}

// trapUnknown tells whether imports that the grid does not have are let through.
func trapUnknown(choice string) (bool, error) {
	switch choice {
	case "", jobs.RefuseUnknown.String():
		return false, nil
	case jobs.TrapUnknown.String():
		return true, nil
	}
	return false, problem.Invalid("use refuse or trap", "--unknown-imports %q: no such choice", choice)
}
