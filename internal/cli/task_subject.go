package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/sdk"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// subject is the task to try.
type subject struct {
	path   string // of the module
	module []byte
	task   sandbox.Task
}

// subjectOfFlags is the task that the flags describe; it reads this process's stdin.
func subjectOfFlags(cmd *cobra.Command, flags *taskFlags, module string) (*subject, error) {
	file, err := flags.file(module)
	if err != nil {
		return nil, err
	}
	if isTerminal(cmd.InOrStdin()) {
		fmt.Fprintln(cmd.ErrOrStderr(), "reading the shard from the terminal; for one from a file: < FILE")
	}
	shard, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), jobs.MaxShard+1))
	if err != nil {
		return nil, fmt.Errorf("read shard: %w", err)
	}
	if len(shard) > jobs.MaxShard {
		return nil, problem.Invalid("split the input finer", "shard: more than %d bytes", jobs.MaxShard)
	}
	return newSubject(file, shard, 0)
}

// subjectOfJob is a task of a job file. Files that are made for it go into dir.
func subjectOfJob(cmd *cobra.Command, path string, index uint32, dir string) (_ *subject, err error) {
	file, err := sdk.LoadJobFile(path)
	if err != nil {
		return nil, err
	}
	file.AllowOutside = true // nothing leaves this machine
	if file.Bundle == "" {
		return nil, problem.Invalid("add a line 'bundle: FILE.wasm' with the interpreter; anthill runtime list has its blob, and anthill get fetches that",
			"job file %s: the interpreter is one that only a grid has", path)
	}
	for name, source := range file.Data {
		if strings.HasPrefix(source, "blob:") {
			return nil, problem.Invalid("get it with 'anthill get', and name the file in the job file", "job file %s: data.%s: a blob that only a grid has", path, name)
		}
	}
	prepared, err := sdk.Prepare(cmd.Context(), file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, prepared.Close()) }()
	writeNotices(cmd.ErrOrStderr(), prepared)
	switch tasks := prepared.Tasks(); {
	case tasks == 0:
		return nil, problem.Invalid("get it with 'anthill get', and name the file in the job file", "job file %s: input: a blob that only a grid has", path)
	case int64(index) >= int64(tasks):
		return nil, problem.Invalid(fmt.Sprintf("--task takes 0 to %d", tasks-1), "job file %s: no task %d", path, index)
	}
	shard, err := prepared.Shard(int(index))
	if err != nil {
		return nil, fmt.Errorf("read shard %d: %w", index, err)
	}
	if file, err = file.Plain(dir); err != nil {
		return nil, err
	}
	return newSubject(file, shard, index)
}

// newSubject makes of a job file the task that a worker would run.
func newSubject(file *sdk.JobFile, shard []byte, index uint32) (*subject, error) {
	path, err := localFile(file, "bundle", file.Bundle)
	if err != nil {
		return nil, err
	}
	module, err := readModule(path)
	if err != nil {
		return nil, err
	}
	spec, err := file.Terms()
	if err != nil {
		return nil, err
	}
	limits := spec.WithDefaults().Limits
	t := sandbox.Task{
		Module: path, ModuleID: blob.Of(module).ID().String(), Args: spec.Args, Stdin: shard, Data: map[string]string{},
		Seed: executor.Seed(spec.Name, index), Time: limits.Time, Memory: limits.Memory, Output: limits.Output, Fuel: limits.Fuel,
		TrapUnknown: spec.UnknownImports == jobs.TrapUnknown,
	}
	for _, key := range slices.Sorted(maps.Keys(file.Env)) {
		t.Env = append(t.Env, key+"="+file.Env[key])
	}
	for name, source := range file.Data {
		if t.Data[name], err = localFile(file, "data "+name, source); err != nil {
			return nil, err
		}
	}
	return &subject{path: path, module: module, task: t}, nil
}

// localFile is the absolute path, without links, of a file that the job names: the
// sandbox's child may read the directory that it lies in and no other.
func localFile(file *sdk.JobFile, what, source string) (string, error) {
	path, err := filepath.Abs(file.Resolve(source))
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return "", problem.Invalid("name a file", "%s: %w", what, err)
	}
	return path, nil
}
