package sdk

import (
	"math"
	"regexp"
	"slices"
	"strings"
)

const (
	maxTasks = math.MaxInt32
	maxName  = 64
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)

// Check tells what is wrong with a job file as far as it can be seen without
// reading any other file. LoadJobFile and Grid.Submit call it.
func (f *JobFile) Check() error {
	for _, check := range []func() error{f.checkName, f.checkBundle, f.checkInput, f.checkData, f.checkTrust} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// wrong is an error in a field of the job file.
func (f *JobFile) wrong(field, next, format string, args ...any) error {
	return invalid(next, "%s: "+field+": "+format, append([]any{f.label()}, args...)...)
}

func (f *JobFile) checkName() error {
	if f.Name == "" {
		return f.wrong("name", "add a line such as 'name: wordcount'", "missing")
	}
	if len(f.Name) > maxName || !namePattern.MatchString(f.Name) {
		return f.wrong("name", "use at most 64 letters, digits, '-', '_' and '.'", "found %q", f.Name)
	}
	return nil
}

func (f *JobFile) checkBundle() error {
	if f.Bundle == "" {
		return f.wrong("bundle", "add the path of a WASM module, such as 'bundle: task.wasm'", "missing")
	}
	switch f.UnknownImports {
	case "", "refuse", "trap":
		return nil
	}
	return f.wrong("unknown_imports", "use refuse, or trap to let tasks fail that call such an import", "found %q", f.UnknownImports)
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
	return nil
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
	return nil
}

func (f *JobFile) checkRange(r *Range) error {
	if r.Step < 1 {
		return f.wrong("input.range.step", "give how many numbers a task gets, 1 or more", "found %d", r.Step)
	}
	if r.To <= r.From {
		return f.wrong("input.range", "make 'to' greater than 'from'", "no tasks: from %d to %d", r.From, r.To)
	}
	if n := r.tasks(); n > maxTasks {
		return f.wrong("input.range.step", "use a larger step", "%d makes %d tasks, more than %d", r.Step, n, maxTasks)
	}
	return nil
}

// tasks counts in uint64, where To-From cannot overflow.
func (r *Range) tasks() uint64 {
	return (uint64(r.To)-uint64(r.From)-1)/uint64(r.Step) + 1
}

func (f *JobFile) checkData() error {
	for _, name := range f.dataNames() {
		if !namePattern.MatchString(name) || strings.HasPrefix(name, ".") || len(name) > maxName {
			return f.wrong("data", "use at most 64 letters, digits, '-', '_' and '.'", "found the name %q", name)
		}
		if f.Data[name] == "" {
			return f.wrong("data."+name, "give the path of a file", "missing")
		}
	}
	return nil
}

func (f *JobFile) dataNames() []string {
	names := make([]string, 0, len(f.Data))
	for name := range f.Data {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (f *JobFile) checkTrust() error {
	t := f.Trust
	switch {
	case t.MaxError != 0 && !isShare(float64(t.MaxError)):
		return f.wrong("trust.max_error", "give a share such as 1e-4, or leave it out", "%v is not above 0 and below 1", t.MaxError)
	case t.MaxError != 0 && (t.Replicas != 0 || t.Quorum != 0 || t.MaxAttempts != 0):
		return f.wrong("trust.max_error", "give max_error alone, or leave it out for fixed replication",
			"it does not go together with replicas, quorum and max_attempts")
	case t.Quorum == 1 && t.Replicas > 1:
		return f.wrong("trust.quorum", "use 2 or more, or 'replicas: 1' for machines of your own", "1 result of %d agrees with nobody", t.Replicas)
	case t.Quorum != 0 && t.MaxAttempts != 0 && t.Quorum > t.MaxAttempts:
		return f.wrong("trust.quorum", "make max_attempts at least quorum", "%d can never agree in %d attempts", t.Quorum, t.MaxAttempts)
	case t.Replicas != 0 && t.MaxAttempts != 0 && t.Replicas > t.MaxAttempts:
		return f.wrong("trust.replicas", "make max_attempts at least replicas", "%d is more than the %d attempts allowed", t.Replicas, t.MaxAttempts)
	}
	return nil
}
