package machine

import (
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/worker/limits"
)

// TestMain is the child of TestOwnTimeHasTheChildren when it is told so.
func TestMain(m *testing.M) {
	if os.Getenv("MACHINE_TEST_SPIN") != "" {
		spin(time.Minute)
	}
	os.Exit(m.Run())
}

// spin works until the clock has gone on by d.
func spin(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

func TestOwnTimeHasTheChildren(t *testing.T) {
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), "MACHINE_TEST_SPIN=1")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	children := []int{child.Process.Pid}
	m := New(func() []int { return children })
	childless := New(func() []int { return nil })
	first, alone := measure(t, m), measure(t, childless).Own
	const enough = 300 * time.Millisecond
	last, childs := first, time.Duration(0)
	for deadline := time.Now().Add(30 * time.Second); childs < enough && time.Now().Before(deadline); {
		time.Sleep(20 * time.Millisecond)
		last = measure(t, m)
		childs = last.Own - first.Own - (measure(t, childless).Own - alone)
	}
	if childs < enough {
		t.Errorf("a child that spins makes for %v of own time", childs)
	}
	const tick = 10 * time.Millisecond // the kernel counts in these, and a busy machine uses all there is
	if last.Used <= first.Used || last.Total-first.Total+tick < last.Used-first.Used {
		t.Errorf("all processors: from %+v to %+v", first, last)
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	if dead := measure(t, m); dead.Own < last.Own {
		t.Errorf("the time of a child that ended is forgotten: %v after %v", dead.Own, last.Own)
	}
	children = nil
	if gone := measure(t, m); gone.Own < last.Own {
		t.Errorf("the time of a child that is gone is forgotten: %v after %v", gone.Own, last.Own)
	}
}

func measure(t *testing.T, m *Machine) limits.CPU {
	t.Helper()
	c, err := m.CPU()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPowerIsKnownOrSaysSo(t *testing.T) {
	if _, err := Power(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

func BenchmarkCPU(b *testing.B) {
	m := New(func() []int { return []int{os.Getppid(), os.Getppid(), os.Getppid()} })
	for b.Loop() {
		if _, err := m.CPU(); err != nil {
			b.Fatal(err)
		}
	}
}
