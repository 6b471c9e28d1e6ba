package gridconn

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// line in between that can be held up as a process is that was stopped: its connections
// stay, and nothing comes.
type between struct {
	mu   sync.Mutex
	held chan struct{} // nil: all goes through
}

func (b *between) hold()    { b.set(make(chan struct{})) }
func (b *between) release() { b.set(nil) }

func (b *between) set(held chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held != nil {
		close(b.held)
	}
	b.held = held
}

func (b *between) Write(p []byte) (int, error) {
	b.mu.Lock()
	held := b.held
	b.mu.Unlock()
	if held != nil {
		<-held
	}
	return len(p), nil
}

// before gives the address of a line to a coordinator.
func before(t *testing.T, address string) (*between, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &between{}
	t.Cleanup(func() { l.Close(); b.release() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", address)
			if err != nil {
				near.Close()
				continue
			}
			go func() { _, _ = io.Copy(far, near); far.Close() }()
			go func() { _, _ = io.Copy(near, io.TeeReader(far, b)); near.Close() }()
		}
	}()
	return b, l.Addr().String()
}

func TestACallToACoordinatorThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 2)
	b, hanging := before(t, fake.Addresses()[0])
	other := fake.Addresses()[1]
	alone, both := dial(t, submitter(t, fake), hanging), dial(t, submitter(t, fake), hanging, other)
	soon(t, alone)
	for range 4 {
		soon(t, both)
	}
	fake.AddJob("j", 1)
	jobs := anthillv1.NewJobServiceClient(alone)
	watch, err := jobs.WatchJob(t.Context(), &anthillv1.WatchJobRequest{JobId: "j"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}

	b.hold()
	if err := list(t, alone); status.Code(err) != codes.Unavailable {
		t.Errorf("a call to one that hangs: %v", err)
	}
	if _, err := watch.Recv(); status.Code(err) != codes.Unavailable {
		t.Errorf("a stream from one that hangs: %v", err)
	}
	failed := 0
	for range 6 { // in turn, but for the one that hangs
		failed += soon(t, both)
	}
	if failed > 1 {
		t.Errorf("%d calls had to be repeated", failed)
	}

	b.release()
	soon(t, alone)
}

// TestALongCallIsNotGivenUp while the coordinator lives.
func TestALongCallIsNotGivenUp(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	c := dial(t, submitter(t, fake), fake.Addresses()...)
	soon(t, c)
	fake.AddJob("j", 1)
	watch, err := anthillv1.NewJobServiceClient(c).WatchJob(t.Context(), &anthillv1.WatchJobRequest{JobId: "j"})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(2*(quietTime+answerTime), func() { fake.Finish("j", anthillv1.JobState_JOB_STATE_SUCCEEDED, "") })
	var states []anthillv1.JobState
	for {
		m, err := watch.Recv()
		if err != nil {
			if !slices.Contains(states, anthillv1.JobState_JOB_STATE_SUCCEEDED) {
				t.Errorf("saw %v, then %v", states, err)
			}
			return
		}
		states = append(states, m.GetJob().GetState())
	}
}
