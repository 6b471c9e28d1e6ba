package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	succeeded = anthillv1.JobState_JOB_STATE_SUCCEEDED
	failed    = anthillv1.JobState_JOB_STATE_FAILED
)

// start runs a fake grid and makes it the one that commands use.
func start(t *testing.T, role jobs.Role) *fakegrid.Grid {
	t.Helper()
	fake := fakegrid.Start(t, 2)
	t.Setenv("ANTHILL_HOME", t.TempDir())
	t.Setenv("ANTHILL_GRID", fake.Client(t, role))
	return fake
}

// expect runs a command and checks its exit code.
func expect(t *testing.T, code int, args ...string) (stdout, stderr string) {
	t.Helper()
	got, stdout, stderr := anthill(t.Context(), args...)
	if got != code {
		t.Fatalf("anthill %s: exit code %d, want %d\nstdout: %s\nstderr: %s", strings.Join(args, " "), got, code, stdout, stderr)
	}
	return stdout, stderr
}

// expectMatch checks text against a pattern.
func expectMatch(t *testing.T, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(pattern).MatchString(text) {
		t.Errorf("does not match %q:\n%s", pattern, text)
	}
}

// expectText checks text line by line; want begins with an empty line.
func expectText(t *testing.T, text, want string) {
	t.Helper()
	if want = strings.TrimPrefix(want, "\n"); text != want {
		t.Errorf("got:\n%s\nwant:\n%s", text, want)
	}
}

func TestJobsStatusCancel(t *testing.T) {
	fake := start(t, jobs.Submitter)
	stdout, _ := expect(t, 0, "jobs", "-o", "json")
	if stdout != "" {
		t.Errorf("no jobs, but %q", stdout)
	}
	fake.AddJob("old", 2)
	fake.AddJob("new", 3)
	stdout, _ = expect(t, 0, "jobs")
	expectMatch(t, stdout, `^JOB +STATE +DONE +RUNNING .*\nnew  running  0/3 .*\nold  running  0/2 .*\n$`)
	if strings.Contains(stdout, "\x1b") || strings.Contains(stdout, " \n") {
		t.Errorf("colours or trailing spaces in a pipe: %q", stdout)
	}
	stdout, _ = expect(t, 0, "status", "old")
	expectMatch(t, stdout, `(?m)^state +running$`)
	_, stderr := expect(t, 0, "cancel", "old")
	expectMatch(t, stderr, `^old: cancelled\n$`)
	expect(t, 1, "cancel", "old")
	_, stderr = expect(t, 3, "status", "nosuch")
	expectMatch(t, stderr, `^anthill: get job: .*nosuch.*no such job\nlist the jobs: anthill jobs\n$`)
	expect(t, 3, "cancel", "nosuch")
	expect(t, 3, "status", "--watch", "nosuch")
}

func TestJSONIsStable(t *testing.T) {
	fake := start(t, jobs.Submitter)
	fake.AddJob("a", 2)
	fake.AddJob("b", 2)
	first, _ := expect(t, 0, "jobs", "-o", "json")
	for _, line := range strings.SplitAfter(strings.TrimSuffix(first, "\n"), "\n") {
		var job struct {
			ID    string         `json:"id"`
			Tasks map[string]int `json:"tasks"`
		}
		if err := json.Unmarshal([]byte(line), &job); err != nil || job.ID == "" || job.Tasks["total"] != 2 {
			t.Errorf("line %q: %v", line, err)
		}
		if strings.Contains(line, `": `) || strings.Contains(line, `, "`) {
			t.Errorf("spaces in %q", line)
		}
	}
	expectMatch(t, first, `"done":0`) // zeroes are there for scripts
	one, _ := expect(t, 0, "status", "a", "-o", "json")
	expectMatch(t, one, `(?s)^\{\n  "id": "a",\n.*\n\}\n$`)
}

func TestStatusWatch(t *testing.T) {
	fake := start(t, jobs.Submitter)
	fake.AddJob("good", 1)
	fake.Tell("good", "attempts at task 0 disagree")
	fake.Accept(t, "good", 0, nil)
	time.AfterFunc(100*time.Millisecond, func() { fake.Finish("good", succeeded, "") })
	stdout, stderr := expect(t, 0, "status", "--watch", "good")
	expectMatch(t, stdout, `(?m)^state +succeeded$`)
	expectMatch(t, stderr, `attempts at task 0 disagree\ngood: 1/1 done(?s).*good: succeeded after`)

	fake.AddJob("bad", 1)
	fake.Finish("bad", failed, "task 0: exit code 3")
	_, stderr = expect(t, 1, "status", "--watch", "bad")
	expectMatch(t, stderr, `anthill: job bad: failed: task 0: exit code 3\n$`)
	stdout, _ = expect(t, 1, "status", "--watch", "bad", "-o", "json")
	expectMatch(t, stdout, `^\{"id":"bad",.*\}\n$`)
}

// finishShort ends a job of one task with more doubt than was asked for.
func finishShort(t *testing.T, fake *fakegrid.Grid, id string) {
	t.Helper()
	fake.Accept(t, id, 0, []byte("A"))
	fake.Update(id, func(j *anthillv1.Job) {
		j.Tasks.Total, j.Bound, j.Short = 1, 0.0312, "let workers of 2 more owners join"
		j.Spec = &anthillv1.JobSpec{Name: id, Trust: &anthillv1.Trust{MaxError: 1e-4}}
		j.Attempts = &anthillv1.AttemptCounts{Started: 3, Agreed: 2, Extra: 2}
	})
	fake.Finish(id, succeeded, "")
}

func TestFinishedShortOfItsBound(t *testing.T) {
	const plain = `(?m)^anthill: job j: all results are there, but short of the max error: 1e-4 asked, 0.032 reached\nlet workers of 2 more owners join\n\z`
	fake := start(t, jobs.Submitter)
	fake.AddJob("j", 1)
	finishShort(t, fake, "j")
	stdout, stderr := expect(t, 5, "status", "j", "--watch")
	expectMatch(t, stderr, `(?m)^j: succeeded, short of its max error after .*: 1 tasks; max error 0.032 \(1e-4 asked\), 3.00x executions per task$`)
	expectMatch(t, stderr, plain)
	expectMatch(t, stdout, `(?m)^state      succeeded, short of its max error\nshort      let workers of 2 more owners join$`)
	expectMatch(t, stdout, `(?m)^trust      max error 1e-4 asked, 0.032 reached\nexecutions 3.00x per task, 2 extra$`)

	_, stderr = expect(t, 5, "status", "j", "--watch", "-o", "json")
	expectMatch(t, stderr, plain)
	dir := filepath.Join(t.TempDir(), "out")
	_, stderr = expect(t, 5, "results", "j", "-o", dir)
	expectMatch(t, stderr, plain)
	expectFiles(t, dir, map[string]string{"task-000000.out": "A"})
	expect(t, 0, "status", "j")
	stdout, _ = expect(t, 0, "jobs")
	expectMatch(t, stdout, `(?m)^j +succeeded, short of its max error +1/1 `)
}

func TestSubmitFinishesShortOfItsBound(t *testing.T) {
	fake := start(t, jobs.Submitter)
	for n, args := range [][]string{{"--wait"}, {"-o", filepath.Join(t.TempDir(), "out")}} {
		go func() {
			for len(fake.Submissions()) == n {
				time.Sleep(5 * time.Millisecond)
			}
			finishShort(t, fake, fmt.Sprintf("t-%d", n+1))
		}()
		_, stderr := expect(t, 5, append([]string{"submit", jobFile(t)}, args...)...)
		expectMatch(t, stderr, `all results are there, but short of the max error: 1e-4 asked, 0.032 reached`)
	}
}

func TestStatusOfATask(t *testing.T) {
	fake := start(t, jobs.Submitter)
	fake.AddJob("j", 3)
	fake.Inspected("j", &anthillv1.GetTaskResponse{Task: 2, Verdict: "disputed"})
	stdout, _ := expect(t, 0, "status", "j", "--task", "2")
	expectText(t, stdout, `
task       2
verdict    disputed
`)
	stdout, _ = expect(t, 0, "status", "j", "--task", "2", "-o", "json")
	expectMatch(t, stdout, `(?s)^\{\n  "task": 2,\n  "verdict": "disputed",\n.*  "attempts": \[\],\n  "reason": "",\n  "input": ""\n\}\n$`)
	stdout, _ = expect(t, 0, "status", "j", "--task", "0") // not the job
	expectMatch(t, stdout, `^task       0\nverdict    untouched\n$`)
	_, stderr := expect(t, 3, "status", "j", "--task", "3")
	expectMatch(t, stderr, `task 3: job j has tasks 0 to 2`)
	expect(t, 3, "status", "nosuch", "--task", "0")
}

func TestNodes(t *testing.T) {
	fake := start(t, jobs.Submitter)
	fake.AddNode(&anthillv1.Node{
		Id: strings.Repeat("c", 32), Role: anthillv1.Role_ROLE_COORDINATOR, Leader: true, Liveness: anthillv1.Liveness_LIVENESS_FAILED})
	fake.AddNode(&anthillv1.Node{
		Id: strings.Repeat("b", 32), Role: anthillv1.Role_ROLE_WORKER, Owner: "mallory", Liveness: anthillv1.Liveness_LIVENESS_ALIVE,
		Slots: 4, Address: "10.0.0.2:7000", Reliability: 1,
		Whereabouts: &anthillv1.Whereabouts{Listens: "192.168.1.5:7000", Dialable: []string{"10.0.0.2:7000"}},
		Record:      &anthillv1.OwnerRecord{Banned: true, BannedReason: "outvoted in 5 tasks", Outvoted: 5},
	})
	fake.AddNode(&anthillv1.Node{
		Id: strings.Repeat("a", 32), Role: anthillv1.Role_ROLE_WORKER, Owner: "ada", Liveness: anthillv1.Liveness_LIVENESS_ALIVE,
		Slots: 1, Leases: 2, Address: "10.0.0.3:7000", Reliability: 0.953,
		Whereabouts: &anthillv1.Whereabouts{Listens: "192.168.1.5:7000", Udp: anthillv1.UdpMapping_UDP_MAPPING_SAME},
		Record:      &anthillv1.OwnerRecord{Checks: 37, Credibility: 0.99752, Doubts: 1, Credit: 1200, Fuel: 1_234_000_000_000, Agreed: 1300, Accusers: []string{"sue"}},
	})
	stdout, _ := expect(t, 0, "nodes")
	expectText(t, stdout, `
NODE      ROLE                  OWNER    STATE          SLOTS  LEASES  CHECKS  CREDIBILITY  DOUBTS  CREDIT  FUEL   RELIABILITY  ADDRESS        PATH                      REMARKS
cccccccc  coordinator (leader)           failed             0       0
bbbbbbbb  worker                mallory  alive, banned      4       0  0       0            0       0       0                   10.0.0.2:7000  direct                    outvoted in 5 tasks
aaaaaaaa  worker                ada      alive              1       2  37      0.9975       1       1200    1.2 T  0.95         10.0.0.3:7000  behind a router: punched  accused of sending wrong bytes by sue
`)
	stdout, _ = expect(t, 0, "nodes", "-o", "json")
	expectMatch(t, stdout, `(?s)^\{"id":"cccc.*\n\{"id":"bbbb.*\n\{"id":"aaaa[^\n]*\n$`) // in the server's order
}

func TestTokenAndJoin(t *testing.T) {
	fake := start(t, jobs.Operator)
	token, stderr := expect(t, 0, "token", "create", "--role", "submitter", "--ttl", "10m")
	expectMatch(t, token, `^anthill-[\w-]+\n$`)
	expectMatch(t, stderr, `admits 1 submitter\(s\) until .*: anthill join TOKEN\n$`)
	_, stderr = expect(t, 0, "token", "create", "--role", "worker")
	expectMatch(t, stderr, `anthill worker --data DIR --join TOKEN`)
	expect(t, 0, "token", "create", "--role", "worker", "--prior", "0.01")
	if got := fake.Wishes(); got[1].GetPrior() != 0 || got[2].GetPrior() != 0.01 {
		t.Errorf("asked for %v", got)
	}
	asJSON, _ := expect(t, 0, "token", "create", "--role", "submitter", "-o", "json")
	expectMatch(t, asJSON, `(?s)^\{\n  "token": "anthill-.*"expires_at"`)

	t.Setenv("ANTHILL_GRID", "")
	_, stderr = expect(t, 0, "join", strings.TrimSpace(token), "--name", "mine")
	expectMatch(t, stderr, `joined grid [0-9a-f]{16} as submitter, owner tester; context "mine" is now current`)
	expect(t, 0, "jobs")
	expect(t, 0, "jobs", "--grid", "mine")
	_, stderr = expect(t, 2, "join", strings.TrimSpace(token), "--name", "mine")
	expectMatch(t, stderr, `has an identity already, a submitter's of this grid, [0-9a-f]{16}\nuse it with --grid, or choose another name`)
	expect(t, 0, "join", strings.TrimSpace(token))
	expect(t, 0, "jobs")
}

func TestResults(t *testing.T) {
	fake := start(t, jobs.Submitter)
	dir := filepath.Join(t.TempDir(), "deep", "out")
	large := bytes.Repeat([]byte("large"), 100_000)
	fake.AddJob("j", 3)
	fake.Accept(t, "j", 1, []byte("one"))
	fake.Accept(t, "j", 0, large)
	time.AfterFunc(200*time.Millisecond, func() {
		fake.Accept(t, "j", 2, nil)
		fake.Finish("j", succeeded, "")
	})
	_, stderr := expect(t, 0, "results", "j", "-o", dir)
	expectMatch(t, stderr, `wrote 3 results to .*, 0 were there`)
	expectFiles(t, dir, map[string]string{"task-000000.out": string(large), "task-000001.out": "one", "task-000002.out": ""})

	if err := os.WriteFile(filepath.Join(dir, "task-000001.out"), []byte("eno"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, stderr = expect(t, 0, "results", "j", "-o", dir)
	expectMatch(t, stderr, `wrote 1 results to .*, 2 were there`)
	expectFiles(t, dir, map[string]string{"task-000000.out": string(large), "task-000001.out": "one", "task-000002.out": ""})
}

// await waits until something is so.
func await(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited too long")
		}
	}
}

// expectFiles checks that a directory has these files and no others but the mark of
// its job and the manifest.
func expectFiles(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == resultsMark || e.Name() == manifestName })
	if err != nil || len(entries) != len(want) {
		t.Errorf("found %v, %v; want %d files", entries, err, len(want))
	}
	for name, content := range want {
		if data, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(data) != content {
			t.Errorf("%s: %d bytes, %v; want %d bytes", name, len(data), err, len(content))
		}
	}
}

// jobFile writes a job of two tasks.
func jobFile(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	module, err := hex.DecodeString("0061736d01000000010401600000030201000503010001" +
		"071302066d656d6f72790200065f737461727400000a040102000b")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"t.wasm": string(module), "job.yaml": "name: t\nbundle: t.wasm\ninput: {items: [a, b]}\n"}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "job.yaml")
}

func TestSubmit(t *testing.T) {
	start(t, jobs.Submitter)
	stdout, stderr := expect(t, 0, "submit", jobFile(t))
	if stdout != "t-1\n" {
		t.Errorf("stdout is %q, want the id alone", stdout)
	}
	expectMatch(t, stderr, `(?s)^submitted t-1: 2 tasks, .*you can disconnect now\nfollow it: +anthill status t-1 --watch\n`)
}

func TestSubmitAndWait(t *testing.T) {
	fake := start(t, jobs.Submitter)
	dir := filepath.Join(t.TempDir(), "out")
	go func() {
		for len(fake.Submissions()) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		fake.Update("t-1", func(j *anthillv1.Job) { j.Tasks.Total = 2 })
		fake.Accept(t, "t-1", 0, []byte("A"))
		fake.Accept(t, "t-1", 1, []byte("B"))
		fake.Finish("t-1", succeeded, "")
	}()
	stdout, stderr := expect(t, 0, "submit", jobFile(t), "-o", dir)
	if stdout != "t-1\n" {
		t.Errorf("stdout is %q, want the id alone", stdout)
	}
	expectMatch(t, stderr, `wrote 2 results to`)
	expectFiles(t, dir, map[string]string{"task-000000.out": "A", "task-000001.out": "B"})

	go func() {
		for len(fake.Submissions()) == 1 {
			time.Sleep(5 * time.Millisecond)
		}
		fake.Finish("t-2", failed, "task 0: time limit")
	}()
	_, stderr = expect(t, 1, "submit", "--wait", jobFile(t))
	expectMatch(t, stderr, `job t-2: failed: task 0: time limit`)
}

func TestInterruptDetaches(t *testing.T) {
	fake := start(t, jobs.Submitter)
	fake.Copies = 1
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for len(fake.Submissions()) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(50 * time.Millisecond)
		cancel()
	}()
	code, stdout, stderr := anthill(ctx, "submit", "--wait", jobFile(t))
	if code != 130 || stdout != "t-1\n" {
		t.Errorf("exit code %d, stdout %q", code, stdout)
	}
	expectMatch(t, stderr, `(?s)detached from t-1; come back with:\n  anthill status t-1 --watch.*has 1 of the 2 copies`)
}
