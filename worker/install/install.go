// Package install keeps a worker running on a donor's machine: as a service that starts
// with the machine, as a user who may do nothing else, and that goes without a trace.
package install

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/kardianos/service"

	"github.com/anthill-grid/anthill/internal/problem"
)

const (
	// name is the service's.
	name        = "anthill-worker"
	description = "Lends this machine's spare time to a volunteer compute grid"
)

// Worker is a worker as a service.
type Worker struct {
	System string   // a GOOS
	Exe    string   // a copy of the binary, which the service's user can read
	Dir    string   // its data
	User   string   // who runs it
	Args   []string // of the worker, beside its directory
}

// On is the worker on a system, with further arguments.
func On(system string, args ...string) Worker {
	w := Worker{System: system, Exe: "/usr/local/lib/anthill/anthill", Dir: "/var/lib/anthill-worker", User: name, Args: args}
	switch system {
	case "darwin":
		w.Dir, w.User = "/usr/local/var/anthill-worker", "_anthill"
	case "windows":
		w.Exe, w.Dir, w.User = `C:\Program Files\anthill\anthill.exe`, `C:\ProgramData\anthill-worker`, `NT SERVICE\`+name
	}
	return w
}

// step is one of an installation. do is nil where only the text is wanted.
type step struct {
	text string
	do   func() error
}

// Install does all of it, or nothing. Join makes the keys in the directory.
func (w Worker) Install(ctx context.Context, join func(ctx context.Context, dir string) error, out io.Writer) error {
	svc, err := w.service()
	if err != nil {
		return err
	}
	if _, err := os.Lstat(w.Dir); err == nil {
		return problem.Invalid("uninstall that first: `anthill worker uninstall`", "install worker: %s is there already", w.Dir)
	}
	for _, s := range w.steps(ctx, svc, join) {
		fmt.Fprintln(out, s.text)
		if err := s.do(); err != nil {
			return errors.Join(fmt.Errorf("install worker: %s: %w", s.text, err), w.undo(svc, io.Discard))
		}
	}
	return nil
}

// Uninstall leaves nothing behind, whatever there was.
func (w Worker) Uninstall(out io.Writer) error {
	svc, err := w.service()
	if err != nil {
		return err
	}
	return w.undo(svc, out)
}

// Print says what Install would do, and shows the service's file.
func (w Worker) Print(out io.Writer) {
	for _, s := range w.steps(context.Background(), nil, nil) {
		fmt.Fprintln(out, "# "+s.text)
	}
	fmt.Fprint(out, w.file())
}

func (w Worker) steps(ctx context.Context, svc service.Service, join func(context.Context, string) error) []step {
	return []step{
		{"copy this program to " + w.Exe, w.copyExe},
		{"make the user " + w.User + ", who may do nothing else", w.makeUser},
		{"join the grid; keys and data in " + w.Dir, func() error { return join(ctx, w.Dir) }},
		{"add the service " + name + ", which starts with this machine", func() error { return svc.Install() }},
		{"give " + w.Dir + " to " + w.User + " alone", w.giveDir},
		{"start it", func() error { return svc.Start() }},
	}
}

// undo goes on after errors: what was never there is as good as gone.
func (w Worker) undo(svc service.Service, out io.Writer) error {
	var errs []error
	fmt.Fprintln(out, "stop and remove the service "+name)
	if _, err := svc.Status(); !errors.Is(err, service.ErrNotInstalled) {
		_ = svc.Stop() // it may have ended
		errs = append(errs, svc.Uninstall())
	}
	fmt.Fprintln(out, "remove the user "+w.User)
	errs = append(errs, w.removeUser())
	for _, path := range []string{w.Dir, w.Exe} {
		fmt.Fprintln(out, "remove "+path)
		errs = append(errs, os.RemoveAll(path))
	}
	_ = os.Remove(filepath.Dir(w.Exe)) // if it is empty
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("uninstall worker: %w", err)
	}
	return nil
}

// config is the service as its manager is told of it.
func (w Worker) config() *service.Config {
	return &service.Config{
		Name: name, DisplayName: "Anthill worker", Description: description, Executable: w.Exe, UserName: w.User,
		Arguments: w.arguments(),
		Option:    service.KeyValue{"SystemdScript": w.unit(), "LaunchdConfig": w.plist(), "OnFailure": "restart"},
	}
}

func (w Worker) arguments() []string {
	return append([]string{"worker", "--data", w.Dir}, w.Args...)
}

// service is that of this machine's manager. It takes who may change that.
func (w Worker) service() (service.Service, error) {
	const byHand = "start the worker by what this machine starts its services with: `anthill worker install --print` shows what it takes"
	switch platform := service.Platform(); {
	case w.System != runtime.GOOS || platform != "linux-systemd" && runtime.GOOS == "linux" || platform == "":
		return nil, problem.Invalid(byHand, "install worker: this machine has no service manager that is known (systemd, launchd, Windows): %q", platform)
	case runtime.GOOS != "windows" && os.Geteuid() != 0:
		return nil, problem.Invalid("run it with sudo", "install worker: a service takes root")
	}
	return service.New(nothing{}, w.config())
}

// nothing is a program that is only told of.
type nothing struct{}

func (nothing) Start(service.Service) error { return nil }
func (nothing) Stop(service.Service) error  { return nil }

// copyExe copies this program to where the service's user can read it.
func (w Worker) copyExe() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	from, err := os.Open(self)
	if err != nil {
		return err
	}
	defer from.Close()
	dir := filepath.Dir(w.Exe)
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755)); err != nil { // whatever the umask
		return err
	}
	if err := os.Remove(w.Exe); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	to, err := os.OpenFile(w.Exe, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, from)
	return errors.Join(err, to.Chmod(0o755), to.Close())
}

// file is what the service's manager reads, where that is a file.
func (w Worker) file() string {
	switch w.System {
	case "linux":
		return w.unit()
	case "darwin":
		return w.plist()
	}
	return fmt.Sprintf("service %s: %q as %s, started with the machine\n", name, append([]string{w.Exe}, w.arguments()...), w.User)
}
