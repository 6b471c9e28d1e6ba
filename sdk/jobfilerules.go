package sdk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
)

// Check tells what is wrong with a job file as far as it can be seen without
// reading any other file, in an error of kind ErrInvalid. LoadJobFile and
// Grid.Submit call it.
func (f *JobFile) Check() error {
	for _, check := range []func() error{f.checkName, f.checkRuntime, f.checkBundle, f.checkInput, f.checkAllowed, f.checkData} {
		if err := check(); err != nil {
			return err
		}
	}
	_, err := f.Terms()
	return err
}

// Terms is the job as the grid understands it, by the grid's own rules: all but
// its blobs, which are still to be read. What the file leaves out is zero.
// Errors are of kind ErrInvalid.
func (f *JobFile) Terms() (jobs.Spec, error) {
	unknown, err := f.unknownImports()
	if err != nil {
		return jobs.Spec{}, err
	}
	maxError, err := wire.ShareFromProto("trust.max_error", float64(f.Trust.MaxError))
	if err != nil {
		return jobs.Spec{}, f.rejected(err)
	}
	for k := range f.Secret {
		if _, twice := f.Env[k]; twice {
			return jobs.Spec{}, f.wrong("secret", "say it once", "%q is in env too", k)
		}
	}
	spec := jobs.Spec{
		Name: f.Name, Args: f.Args, Env: f.allEnv(), Secret: slices.Sorted(maps.Keys(f.Secret)), UnknownImports: unknown, InputWait: time.Duration(f.InputWait),
		Limits: jobs.Limits{
			Time: time.Duration(f.Limits.Time), Memory: int64(f.Limits.Memory), Output: int64(f.Limits.Output), Fuel: int64(f.Limits.Fuel),
		},
		Trust:  jobs.Trust{Replicas: f.Trust.Replicas, Quorum: f.Trust.Quorum, MaxAttempts: f.Trust.MaxAttempts, MaxError: maxError},
		Retain: time.Duration(f.Retain),
	}
	f.AllowFailed.apply(&spec)
	for _, name := range f.dataNames() {
		spec.Data = append(spec.Data, jobs.DataFile{Name: name})
	}
	if r := spec.WithDefaults().ValidateTerms(); r != nil {
		return jobs.Spec{}, f.rejected(r)
	}
	return spec, nil
}

// wrong is an error in a field of the job file.
func (f *JobFile) wrong(field, next, format string, args ...any) error {
	return invalid(next, "%s: %s%s: "+format, append([]any{f.label(), f.lineOf(field), field}, args...)...)
}

// lineOf tells in which line of the file a field stands, or what it belongs to; "" for
// a job that was made by hand.
func (f *JobFile) lineOf(field string) string {
	for {
		if line := f.lines[field]; line > 0 {
			return fmt.Sprintf("line %d: ", line)
		}
		end := strings.LastIndexByte(field, '.')
		if end < 0 {
			return ""
		}
		field = field[:end]
	}
}

// rejected is what the grid's rules say of the job. Their fields have the same
// names as the job file's.
func (f *JobFile) rejected(err error) error {
	var r *jobs.Rejection
	if !errors.As(err, &r) {
		return err
	}
	return f.wrong(r.Subject, cmp.Or(r.Next, "correct the value"), "%s", r.Message)
}

func (f *JobFile) checkName() error {
	if f.Name == "" {
		return f.wrong("name", "add a line such as 'name: wordcount'", "missing")
	}
	return nil
}

func (f *JobFile) checkBundle() error {
	if f.Bundle == "" && f.Runtime == "" {
		return f.wrong("bundle", "add the path of a WASM module, such as 'bundle: task.wasm'; or 'runtime: python' and a script", "missing")
	}
	return nil
}

func (f *JobFile) unknownImports() (jobs.UnknownImports, error) {
	switch f.UnknownImports {
	case "", jobs.RefuseUnknown.String():
		return jobs.RefuseUnknown, nil
	case jobs.TrapUnknown.String():
		return jobs.TrapUnknown, nil
	}
	return 0, f.wrong("unknown_imports", "use refuse, or trap to let tasks fail that call such an import", "found %q", f.UnknownImports)
}

func (f *JobFile) checkInput() error {
	in := f.Input
	var given []string
	for _, source := range []struct {
		name string
		set  bool
	}{{"files", in.Files != nil}, {"split", in.Split != nil}, {"range", in.Range != nil}, {"items", in.Items != nil}} {
		if source.set {
			given = append(given, source.name)
		}
	}
	if len(given) != 1 {
		found := "nothing"
		if len(given) > 1 {
			found = strings.Join(given, " and ")
		}
		return f.wrong("input", "give one of files, split, range and items", "found %s, want exactly one source", found)
	}
	if in.Pack != 0 && in.Files == nil {
		return f.wrong("input.pack", "leave it out", "goes only with files, found %s", given[0])
	}
	if in.FollowLinks && in.Files == nil {
		return f.wrong("input.follow_links", "leave it out", "goes only with files, found %s", given[0])
	}
	return f.checkSource()
}

func (f *JobFile) checkSource() error {
	in := f.Input
	switch {
	case in.Split != nil:
		return f.checkSplit(in.Split)
	case in.Range != nil:
		return f.checkRange(in.Range)
	case in.Items != nil && len(in.Items) == 0:
		return f.wrong("input.items", "list at least one value", "the list is empty")
	case in.Files != nil && len(in.Files) == 0:
		return f.wrong("input.files", "list at least one pattern", "the list is empty")
	}
	return f.checkTasks("input.items", int64(len(in.Items)))
}

func (f *JobFile) checkSplit(s *Split) error {
	switch {
	case s.File == "":
		return f.wrong("input.split.file", "name the file to split", "missing")
	case s.Lines < 0:
		return f.wrong("input.split.lines", "use 1 or more", "found %d", s.Lines)
	case s.Lines > 0 && strings.HasPrefix(s.File, blobPrefix):
		return f.wrong("input.split.lines", "give 'size: 1MiB', or the file itself", "where the lines of a blob end, only the file tells")
	case (s.Lines == 0) == (s.Size == 0):
		return f.wrong("input.split", "give 'lines: 1000' or 'size: 1MiB', and not both", "want exactly one of lines and size")
	}
	return f.checkBlobName("input.split.file", s.File)
}

func (f *JobFile) checkRange(r *Range) error {
	if r.Step < 1 {
		return f.wrong("input.range.step", "give how many numbers a task gets, 1 or more", "found %d", r.Step)
	}
	if r.To <= r.From {
		return f.wrong("input.range", "make 'to' greater than 'from'", "no tasks: from %d to %d", r.From, r.To)
	}
	tasks := jobs.Input{Range: (*jobs.Range)(r)}
	return f.checkTasks("input.range.step", tasks.Tasks())
}

// checkTasks refuses more tasks than the grid takes.
func (f *JobFile) checkTasks(field string, n int64) error {
	if n > jobs.MaxTasks {
		return f.wrong(field, "give each task more to do", "%d tasks are more than %d", n, jobs.MaxTasks)
	}
	return nil
}

// checkAllowed refuses more failed tasks than there are tasks, where the file alone
// tells how many.
func (f *JobFile) checkAllowed() error {
	tasks := int64(len(f.Input.Items))
	if r := f.Input.Range; r != nil {
		tasks = jobs.Input{Range: (*jobs.Range)(r)}.Tasks()
	}
	if tasks > 0 && int64(f.AllowFailed.Tasks) > tasks {
		return f.wrong("allow_failed", "use 100% if all of them may fail", "%d is more than the job's %d tasks", f.AllowFailed.Tasks, tasks)
	}
	return nil
}

func (f *JobFile) checkData() error {
	for _, name := range f.dataNames() {
		if f.Data[name] == "" {
			return f.wrong("data."+name, "give the path of a file", "missing")
		}
		if err := f.checkBlobName("data."+name, f.Data[name]); err != nil {
			return err
		}
	}
	return nil
}

// checkDataFiles looks for the data files: the input may take long to read.
func (f *JobFile) checkDataFiles() error {
	for _, name := range f.dataNames() {
		if _, is, err := datasetNamed(f.Data[name]); is || err != nil {
			continue
		}
		if _, err := f.measure("data."+name, f.Data[name]); err != nil {
			return err
		}
	}
	return nil
}

// checkBlobName refuses a path that begins like the name of a dataset and is none.
func (f *JobFile) checkBlobName(field, path string) error {
	if _, _, err := datasetNamed(path); err != nil {
		return f.wrong(field, idNext, "%w", err)
	}
	return nil
}

func (f *JobFile) dataNames() []string { return slices.Sorted(maps.Keys(f.Data)) }

// allEnv are the variables that the guest gets, the secret ones among them.
func (f *JobFile) allEnv() map[string]string {
	if len(f.Secret) == 0 {
		return f.Env
	}
	all := maps.Clone(f.Secret)
	maps.Copy(all, f.Env)
	return all
}
