package browser_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/browser"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/ui"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

// page is a browser that has opened the page of a fake grid.
type page struct {
	tab    context.Context
	grid   *fakegrid.Grid
	server *ui.Server
	shots  string
}

// artefacts is where the pictures go: where ANTHILL_ARTEFACTS says, for who wants to look at
// them, and else into a directory that goes with the test.
func artefacts(t *testing.T) string {
	dir := os.Getenv("ANTHILL_ARTEFACTS")
	if dir == "" {
		dir = filepath.Join(t.TempDir(), "artefacts")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openTab opens a page in a browser, and fails the test for whatever the page throws.
func openTab(t *testing.T, link string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 3*time.Minute)
	t.Cleanup(cancel)
	tab, stop, err := browser.Start(ctx)
	if errors.Is(err, browser.ErrNone) {
		t.Skip("the page is not looked at: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	browser.Thrown(tab, func(what string) { t.Error("the page throws: ", what) })
	if err := chromedp.Run(tab, browser.Size(1440, 900), chromedp.Navigate(link), chromedp.WaitVisible("main h1")); err != nil {
		t.Fatal(err)
	}
	return tab
}

func openPage(t *testing.T) *page {
	t.Helper()
	if _, err := browser.Find(); err != nil {
		t.Skip("the page is not looked at: ", err)
	}
	grid := fakegrid.Start(t, 1)
	client, err := sdk.Connect(t.Context(), sdk.Config{Grid: grid.Client(t, jobs.Submitter), Patience: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	server, err := ui.Listen("127.0.0.1:0", ui.NewGridHandler(client), func() {})
	if err != nil {
		t.Fatal(err)
	}
	go server.Run(t.Context()) //nolint:errcheck // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	return &page{tab: openTab(t, server.Link()), grid: grid, server: server, shots: artefacts(t)}
}

func (p *page) run(t *testing.T, actions ...chromedp.Action) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, 15*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// until waits for a JavaScript expression to be true.
func (p *page) until(t *testing.T, what string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(p.tab, 10*time.Second)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Poll(what, nil, chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
		var seen string
		_ = chromedp.Run(p.tab, chromedp.Text("body", &seen))
		t.Fatalf("never true: %s: %v\nthe page says: %s", what, err, seen)
	}
}

func (p *page) shot(t *testing.T, name string) {
	t.Helper()
	p.run(t, browser.Shot(filepath.Join(p.shots, name+".png")))
}

// says is an expression: the page shows this text.
func says(text string) string { return fmt.Sprintf("document.body.innerText.includes(%q)", text) }

// fitsWindow is an expression: nothing stands out at the side.
const fitsWindow = "document.documentElement.scrollWidth <= innerWidth"

// TestPage looks at the page in a browser, as its users do. It is one browser for all: to start
// one takes longer than to look.
func TestPage(t *testing.T) {
	p := openPage(t)
	t.Run("empty", func(t *testing.T) { p.until(t, says("No job so far")) })
	t.Run("first paint", p.testFirstPaint)
	fill(p.grid)
	t.Run("jobs", p.testJobs)
	t.Run("job", p.testJob)
	t.Run("task", p.testTask)
	t.Run("keyboard", p.testKeyboard)
	t.Run("owners and nodes", p.testOwnersAndNodes)
	t.Run("crowd", p.testCrowd)
	t.Run("pictures", p.testPictures)
	t.Run("dark", p.testDark)
	t.Run("contrast", p.testContrast)
	t.Run("telephone", p.testTelephone)
	t.Run("strangers' words", p.testStrangersWords)
	t.Run("error", p.testError)
}

const tasksShown = 10_000

// fill puts into the grid what the page is to show.
func fill(g *fakegrid.Grid) {
	for i := range 40 {
		g.AddJob(fmt.Sprintf("old-%02d", i), 10)
	}
	g.AddJob("sweep-1", tasksShown)
	g.Update("sweep-1", func(job *anthillv1.Job) {
		job.Owner, job.SubmittedAt, job.Bound = "ada", timestamppb.New(time.Now().Add(-5*time.Minute)), 2.5e-5
		job.Spec.Trust = &anthillv1.Trust{MaxError: 1e-4}
		job.Tasks = &anthillv1.TaskCounts{Total: tasksShown, Done: 6000, Accepted: 6200, Running: 40, Disputed: 3, Failed: 1, MayFail: 5}
		job.Attempts = &anthillv1.AttemptCounts{Started: 9300}
		job.Fetched = &anthillv1.Traffic{FromSubmitter: 3 << 20, FromCoordinators: 9 << 20, FromWorkers: 40 << 20}
		job.InputCopies = 2
	})
	g.Tell("sweep-1", "task 7: results of bea and chen differ")
	g.Watched("sweep-1", watched())
	g.Swarmed("sweep-1", swarmed(20))
	for i := range 20 {
		owner := string(rune('a'+i%6)) + "-lab"
		g.AddNode(&anthillv1.Node{
			Id: fmt.Sprintf("%032x", i+1), Role: anthillv1.Role_ROLE_WORKER, Owner: owner, Address: "127.0.0.1:1", Liveness: anthillv1.Liveness_LIVENESS_ALIVE,
			Slots: 2, Leases: 2, Reliability: 1, AdmittedAt: timestamppb.Now(),
			Record: &anthillv1.OwnerRecord{Agreed: 100, Credibility: 0.9999, Checks: 50, Credit: 90, Fuel: 1e12, Banned: owner == "c-lab", BannedReason: "outvoted on task 7 of sweep-1"},
		})
	}
	g.Inspected("sweep-1", &anthillv1.GetTaskResponse{
		Task: 7, Verdict: "disputed",
		Groups:   []*anthillv1.VoteGroup{{Group: 0, Output: &anthillv1.BlobRef{Id: []byte("aa11aa11aa11aa11aa11aa11aa11aa11"), Size: 10}}, {Group: 1, Output: &anthillv1.BlobRef{Id: []byte("bb22bb22bb22bb22bb22bb22bb22bb22"), Size: 12}}},
		Attempts: []*anthillv1.TaskAttempt{{NodeId: "n1", Owner: "bea", State: "voted", Group: 0, Credibility: 0.99}, {NodeId: "n2", Owner: "chen", State: "outvoted", Group: 1, Reason: "outvoted"}},
	})
}

// watched is how far the tasks of sweep-1 are, with an attempt of each that has begun.
func watched() *anthillv1.WatchTasksResponse {
	m := &anthillv1.WatchTasksResponse{States: make([]byte, tasksShown), Now: timestamppb.Now(), Saboteurs: 0.05}
	for w := range 20 {
		m.Workers = append(m.Workers, &anthillv1.TaskWorker{NodeId: fmt.Sprintf("%032x", w+1), Owner: string(rune('a'+w%6)) + "-lab"})
	}
	for w := range m.Workers {
		m.Fetched = append(m.Fetched, &anthillv1.WorkerTraffic{Worker: uint32(w), Fetched: &anthillv1.Traffic{FromSubmitter: int64(w%3) << 18, FromCoordinators: int64(20-w) << 18, FromWorkers: int64(w) << 20}})
	}
	m.Holders = &anthillv1.TaskHolders{Nodes: []*anthillv1.TaskWorker{{NodeId: "c1c1c1c1c1c1", Owner: "op"}, {NodeId: "c2c2c2c2c2c2", Owner: "op"}}}
	for i := range m.States {
		switch {
		case i == 7 || i == 70 || i == 700:
			m.States[i] = byte(anthillv1.TaskState_TASK_STATE_DISPUTED)
		case i == 71:
			m.States[i] = byte(anthillv1.TaskState_TASK_STATE_FAILED)
		case i < 6000:
			m.States[i] = byte(anthillv1.TaskState_TASK_STATE_DONE)
		case i < 6040:
			m.States[i] = byte(anthillv1.TaskState_TASK_STATE_OPEN)
		default:
			continue
		}
		span := &anthillv1.AttemptSpan{Lease: uint64(i), Task: uint32(i), Worker: uint32(i % 20), Begun: int64(i/40) * 2000}
		if i < 6000 {
			span.Ended, span.Ending = span.Begun+1800, anthillv1.AttemptEnding_ATTEMPT_ENDING_SUCCEEDED
		}
		m.Attempts = append(m.Attempts, span)
	}
	return m
}

// swarmed is who has what of the input of sweep-1, and got it from whom: each worker has more
// parts than the one before it, and got some of them from that one.
func swarmed(workers int) *anthillv1.GetSwarmResponse {
	m := &anthillv1.GetSwarmResponse{Nodes: []*anthillv1.TaskWorker{{NodeId: "c1c1c1c1c1c1", Owner: "op"}}}
	for w := range workers {
		parts := make([]byte, 64)
		for i := range parts {
			if i*workers < 64*(w+1) {
				parts[(i+7*w)%64] = 255
			}
		}
		m.Nodes = append(m.Nodes, &anthillv1.TaskWorker{NodeId: fmt.Sprintf("%032x", w+1), Owner: string(rune('a'+w%6)) + "-lab"})
		m.Parts = append(m.Parts, &anthillv1.SwarmParts{Node: uint32(w + 1), Parts: parts})
		m.Flows = append(m.Flows, &anthillv1.SwarmFlow{From: uint32(w), To: uint32(w + 1), Bytes: 1 << 20}, &anthillv1.SwarmFlow{From: uint32((w+7)%workers + 1), To: uint32(w + 1), Bytes: 2 << 20})
	}
	// The largest come first; coordinators are shown by their role, and so is flow from them.
	slices.SortStableFunc(m.Flows, func(a, b *anthillv1.SwarmFlow) int { return cmp.Compare(b.GetBytes(), a.GetBytes()) })
	m.Flows = m.Flows[:workers]
	return m
}

// testFirstPaint tells how long the page takes until it shows something.
func (p *page) testFirstPaint(t *testing.T) {
	var first []float64
	for range 5 {
		var paint float64
		p.run(t, chromedp.Reload(), chromedp.WaitVisible("main h1"),
			chromedp.Poll(`performance.getEntriesByName("first-contentful-paint")[0]?.startTime`, &paint, chromedp.WithPollingInterval(10*time.Millisecond)))
		first = append(first, paint)
	}
	slices.Sort(first)
	t.Logf("the first paint came %.0f ms after the page was asked for, at the median of %d; %.0f at most", first[2], len(first), first[4])
}

func (p *page) testJobs(t *testing.T) {
	p.until(t, says("sweep-1")+" && "+says("41 jobs, 41 running"))
	p.until(t, "document.querySelectorAll('.job-row:not(.titles)').length < 41") // only what can be seen
	p.until(t, fitsWindow)
	p.shot(t, "jobs-1440")
}

// painted is an expression: some pixel of a canvas is coloured.
func painted(selector string) string {
	return fmt.Sprintf(`(() => { const c = document.querySelector(%q); if (!c || !c.width) return false;
		const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data; for (let i = 0; i < d.length; i += 4) if (d[i+3] && Math.abs(d[i] - d[i+1]) > 40) return true; return false; })()`, selector)
}

func (p *page) testJob(t *testing.T) {
	p.run(t, chromedp.Evaluate(`location.hash = "#/jobs/sweep-1"`, nil))
	p.until(t, says("5,996 done")+" && "+says("3 disputed"))
	p.until(t, says("20 workers")+" && "+says("40 under way"))
	p.until(t, painted("canvas[aria-label^='Attempts']"))
	p.until(t, painted("canvas[aria-label^='Every task']"))
	p.until(t, says("results of bea and chen differ"))
	p.until(t, says("2 coordinators with all of the input, 20 workers with pieces"))
	const swarm = "canvas[aria-label^='Who fetched from whom: b-lab']" // the busiest first
	p.until(t, painted(swarm))
	p.until(t, `document.querySelector("`+swarm+`").ariaLabel.includes("20 flows between two workers are known, the largest 2.0 MiB")`)
	p.until(t, painted("canvas[aria-label^='Parts of the input: 20 workers have some, 1 have all; the rarest part is with about ']"))
	p.run(t, chromedp.ScrollIntoView(swarm), browser.Shot(filepath.Join(p.shots, "swarm-1440.png")), chromedp.Evaluate("scrollTo(0, 0)", nil))
	p.until(t, fitsWindow)
	p.testFrames(t)
	p.shot(t, "job-1440")
}

// testFrames lets tasks change.
func (p *page) testFrames(t *testing.T) {
	t.Helper()
	p.frames(t, "sweep-1", "6,496 done", func(round int) *anthillv1.WatchTasksResponse {
		m := &anthillv1.WatchTasksResponse{Now: timestamppb.Now()}
		for i := 6040 + round*100; i < 6140+round*100; i++ {
			m.Changed = append(m.Changed, uint32(i))
			m.ChangedStates = append(m.ChangedStates, byte(anthillv1.TaskState_TASK_STATE_DONE))
			m.Attempts = append(m.Attempts, &anthillv1.AttemptSpan{Lease: uint64(i), Task: uint32(i), Worker: uint32(i % 20), Begun: 302_000, Ended: 303_000, Ending: anthillv1.AttemptEnding_ATTEMPT_ENDING_SUCCEEDED})
		}
		return m
	})
}

// frames tells five times of changes and looks how long the page takes over them: the grid
// tells a few times a second, and what is drawn meanwhile must not stutter. How long it takes
// is told and not judged: that depends on what else the machine does.
func (p *page) frames(t *testing.T, job, after string, change func(round int) *anthillv1.WatchTasksResponse) {
	t.Helper()
	const watch = `(() => { window.busy = []; window.gaps = []; let last = performance.now(); window.watching = true;
		window.observer = new PerformanceObserver((l) => l.getEntries().forEach((e) => busy.push(e.duration))); observer.observe({ type: "longtask" });
		const tick = (now) => { gaps.push(now - last); last = now; if (watching) requestAnimationFrame(tick); }; requestAnimationFrame(tick); })()`
	p.run(t, chromedp.Evaluate(watch, nil))
	for round := range 5 {
		p.grid.Watched(job, change(round))
		time.Sleep(100 * time.Millisecond)
	}
	p.until(t, says(after))
	var busy, gaps []float64
	p.run(t, chromedp.Evaluate("watching = false; observer.disconnect(); window.busy", &busy), chromedp.Evaluate("window.gaps", &gaps))
	slices.Sort(gaps)
	t.Logf("%s: frames took %.1f ms at the median and %.1f at most, and the page was busy for longer than 50 ms at a time so often, each so many ms: %v", job, gaps[len(gaps)/2], gaps[len(gaps)-1], busy)
}

const crowd = 1000

// testCrowd looks at a job of 10,000 tasks and 1,000 workers, whose tasks and swarm change all
// the time.
func (p *page) testCrowd(t *testing.T) {
	p.grid.AddJob("crowd-1", tasksShown)
	m := &anthillv1.WatchTasksResponse{States: make([]byte, tasksShown), Now: timestamppb.Now(), Saboteurs: 0.05}
	for w := range crowd {
		m.Workers = append(m.Workers, &anthillv1.TaskWorker{NodeId: fmt.Sprintf("%032x", w+1), Owner: fmt.Sprint("owner-", w/4)})
		m.Fetched = append(m.Fetched, &anthillv1.WorkerTraffic{Worker: uint32(w), Fetched: &anthillv1.Traffic{FromCoordinators: 1 << 18, FromWorkers: int64(w+1) << 14}})
	}
	for i := range tasksShown {
		m.States[i] = byte(anthillv1.TaskState_TASK_STATE_OPEN)
		m.Attempts = append(m.Attempts, &anthillv1.AttemptSpan{Lease: uint64(i), Task: uint32(i), Worker: uint32(i % crowd), Begun: int64(i) / 10})
	}
	p.grid.Watched("crowd-1", m)
	p.grid.Swarmed("crowd-1", swarmed(crowd))
	p.run(t, chromedp.Evaluate(`location.hash = "#/jobs/crowd-1"`, nil))
	p.until(t, says("1,000 workers with pieces"))
	p.until(t, painted("canvas[aria-label^='Parts of the input: 1000 workers have some']"))
	p.frames(t, "crowd-1", "2,500 done", func(round int) (m *anthillv1.WatchTasksResponse) {
		p.grid.Swarmed("crowd-1", swarmed(crowd-round))
		m = &anthillv1.WatchTasksResponse{Now: timestamppb.Now()}
		for i := round * 500; i < round*500+500; i++ {
			m.Changed = append(m.Changed, uint32(i))
			m.ChangedStates = append(m.ChangedStates, byte(anthillv1.TaskState_TASK_STATE_DONE))
			m.Attempts = append(m.Attempts, &anthillv1.AttemptSpan{Lease: uint64(i), Task: uint32(i), Worker: uint32(i % crowd), Begun: int64(i) / 10, Ended: int64(round+1) * 1000, Ending: anthillv1.AttemptEnding_ATTEMPT_ENDING_SUCCEEDED})
		}
		return m
	})
	p.run(t, chromedp.ScrollIntoView("canvas[aria-label^='Parts of the input']"))
	p.shot(t, "crowd-1440")
	p.run(t, chromedp.Evaluate("scrollTo(0, 0)", nil))
}

// testPictures wants results that are pictures to be shown as such, small pictures that tiles
// make up to be put together, and neither to run anything.
func (p *page) testPictures(t *testing.T) {
	square := image.NewRGBA(image.Rect(0, 0, 12, 8))
	draw.Draw(square, square.Rect, image.NewUniform(color.RGBA{R: 200, A: 255}), image.Point{}, draw.Src)
	var shot bytes.Buffer
	if err := png.Encode(&shot, square); err != nil {
		t.Fatal(err)
	}
	drawing := `<svg xmlns="http://www.w3.org/2000/svg" width="30" height="20" onload="parent.taken=1"><script>parent.taken=1</script><rect width="30" height="20" fill="teal"/></svg>`
	p.results(t, "plots-1", shot.Bytes(), []byte(drawing), []byte("three words here"))
	const shown = `[...document.querySelectorAll(".gallery img")].map((i) => i.complete && i.naturalWidth + "x" + i.naturalHeight).join()`
	p.until(t, shown+` === "12x8,30x20" && `+says("three words here"))
	p.until(t, "window.taken === undefined")
	p.shot(t, "pictures-1440")

	// Four tiles of 2 by 2 pixels, in the form of examples/mandelbrot, each of a colour of its own.
	var tiles [][]byte
	for i := range uint32(4) {
		var tile []byte
		for _, n := range []uint32{4, 4, i % 2 * 2, i / 2 * 2, 2, 2} {
			tile = binary.BigEndian.AppendUint32(tile, n)
		}
		tiles = append(tiles, append(tile, bytes.Repeat([]byte{byte(60 * i), 100, 255}, 4)...))
	}
	p.results(t, "tiles-1", tiles...)
	p.until(t, `(() => { const c = document.querySelector("canvas[aria-label^='The picture']"); if (!c || c.width !== 4) return false;
		const at = (x, y) => [...c.getContext("2d").getImageData(x, y, 1, 1).data].join();
		return at(0, 0) === "0,100,255,255" && at(3, 1) === "60,100,255,255" && at(1, 3) === "120,100,255,255" && at(2, 2) === "180,100,255,255"; })()`)
}

// results opens a job with these results.
func (p *page) results(t *testing.T, id string, list ...[]byte) {
	t.Helper()
	p.grid.AddJob(id, uint32(len(list)))
	m := &anthillv1.WatchTasksResponse{Now: timestamppb.Now()}
	for i, data := range list {
		p.grid.Accept(t, id, uint32(i), data)
		p.grid.Inspected(id, &anthillv1.GetTaskResponse{Task: uint32(i), Verdict: "accepted", Output: wire.RefToProto(blob.Of(data).Ref())})
		m.States = append(m.States, byte(anthillv1.TaskState_TASK_STATE_DONE))
	}
	p.grid.Watched(id, m)
	p.run(t, chromedp.Evaluate(fmt.Sprintf("location.hash = %q", "#/jobs/"+id), nil))
}

func (p *page) testTask(t *testing.T) {
	p.run(t, chromedp.Evaluate(`location.hash = "#/jobs/sweep-1/7"`, nil))
	p.until(t, says("disputed")+" && "+says("bea")+" && "+says("chen")+" && "+says("12 B"))
	p.shot(t, "task-1440")
}

func (p *page) testKeyboard(t *testing.T) {
	p.run(t, chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent(kb.Escape))
	p.until(t, `location.hash === "#/jobs"`)
	p.until(t, "document.querySelector('[data-index]')")
	p.run(t, chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("k"), chromedp.KeyEvent("j"))
	p.until(t, "document.activeElement.dataset.index === '1'")
	p.run(t, chromedp.KeyEvent(kb.End))
	p.until(t, "document.activeElement.dataset.index === '40'")
	p.run(t, chromedp.KeyEvent(kb.Home), chromedp.KeyEvent(kb.Enter))
	p.until(t, `location.hash === "#/jobs/sweep-1"`)
	p.run(t, chromedp.KeyEvent("?"))
	p.until(t, "document.querySelector('dialog[open]')")
	p.run(t, chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("1"))
	p.until(t, `!document.querySelector('dialog[open]') && location.hash === "#/jobs"`)
	p.until(t, "document.querySelector('[data-index]')")
	p.run(t, chromedp.KeyEvent("/"))
	p.until(t, "document.activeElement.type === 'search'")
	// The protocol types the slash as well, whatever the page says to its key.
	p.run(t, chromedp.Evaluate("document.activeElement.value = ''", nil), chromedp.KeyEvent("old-03"))
	p.until(t, "document.querySelectorAll('.job-row:not(.titles)').length === 1")
	p.run(t, chromedp.KeyEvent("zz"))
	p.until(t, says("No job fits"))
	p.run(t, chromedp.KeyEvent(kb.Escape))
}

func (p *page) testOwnersAndNodes(t *testing.T) {
	p.run(t, chromedp.KeyEvent("2"))
	p.until(t, says("20 of 20 workers here, 40 slots"))
	p.shot(t, "nodes-1440")
	p.run(t, chromedp.KeyEvent("3"))
	p.until(t, says("c-lab is banned: outvoted on task 7 of sweep-1"))
	p.shot(t, "owners-1440")
	p.run(t, chromedp.KeyEvent("4"))
	p.until(t, says("results of bea and chen differ"))
}

func (p *page) testDark(t *testing.T) {
	const ground = "getComputedStyle(document.documentElement).backgroundColor"
	var light, dark string
	p.run(t, chromedp.Evaluate(ground, &light), chromedp.KeyEvent("d"), chromedp.Evaluate(ground, &dark))
	if light == dark {
		t.Errorf("d leaves the ground %s", dark)
	}
	p.run(t, chromedp.Evaluate(`location.hash = "#/jobs/sweep-1"`, nil))
	p.until(t, painted("canvas[aria-label^='Every task']"))
	p.shot(t, "job-dark-1440")
}

// testContrast reads the colours of text and of what it stands on, in both themes: WCAG AA
// wants 4.5 between them.
func (p *page) testContrast(t *testing.T) {
	texts := []string{"text", "muted", "accent"}
	pairs := [][2]string{{"good-text", "good-ground"}, {"warn-text", "warn-ground"}, {"bad-text", "bad-ground"}, {"open-text", "open-ground"}, {"on-accent", "accent"}, {"bad-text", "panel"}, {"warn-text", "panel"}, {"good-text", "panel"}}
	for _, text := range texts {
		for _, ground := range []string{"ground", "panel", "sunk"} {
			pairs = append(pairs, [2]string{text, ground})
		}
	}
	for _, theme := range []string{"light", "dark"} {
		var colours map[string]string
		p.run(t, chromedp.Evaluate(fmt.Sprintf(`(() => { document.documentElement.dataset.theme = %q; const s = getComputedStyle(document.documentElement), all = {};
			for (const n of %s) all[n] = s.getPropertyValue("--" + n).trim(); return all; })()`, theme, namesIn(pairs)), &colours))
		for _, pair := range pairs {
			if got := contrast(t, colours[pair[0]], colours[pair[1]]); got < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", theme, pair[0], pair[1], got)
			}
		}
	}
}

func namesIn(pairs [][2]string) string {
	var all []string
	for _, pair := range pairs {
		all = append(all, fmt.Sprintf("%q,%q", pair[0], pair[1]))
	}
	return "[" + strings.Join(all, ",") + "]"
}

// contrast is that of WCAG between two colours, #rrggbb.
func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var c color.RGBA
	if _, err := fmt.Sscanf(hex, "#%02x%02x%02x", &c.R, &c.G, &c.B); err != nil {
		t.Fatalf("colour %q: %v", hex, err)
	}
	linear := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

func (p *page) testTelephone(t *testing.T) {
	p.run(t, browser.Size(390, 844))
	for _, view := range []string{"jobs", "nodes", "owners", "events", "jobs/sweep-1", "jobs/sweep-1/7"} {
		p.run(t, chromedp.Evaluate(fmt.Sprintf("location.hash = %q", "#/"+view), nil))
		p.until(t, "document.querySelector('main h1') && !document.querySelector('main .shimmer')")
		if view == "jobs/sweep-1" {
			p.until(t, painted("canvas[aria-label^='Attempts']"))
		}
		p.until(t, fitsWindow)
		p.shot(t, strings.ReplaceAll(view, "/", "-")+"-390")
	}
	p.run(t, browser.Size(1440, 900))
}

// testStrangersWords shows names and reasons that are HTML: they must stay words.
func (p *page) testStrangersWords(t *testing.T) {
	evil := `<img src=x onerror="window.taken=1"><script>window.taken=1</script>`
	p.grid.Update("sweep-1", func(job *anthillv1.Job) { job.Owner, job.Waiting = evil, evil })
	p.grid.Tell("sweep-1", evil)
	for _, view := range []string{"jobs", "jobs/sweep-1", "events"} {
		p.run(t, chromedp.Evaluate(fmt.Sprintf("location.hash = %q", "#/"+view), nil))
		p.until(t, says("<script>window.taken=1</script>"))
	}
	p.until(t, "window.taken === undefined && !document.querySelector('main img[src=x]')")
}

func (p *page) testError(t *testing.T) {
	p.run(t, chromedp.Evaluate(`location.hash = "#/jobs/nobody"`, nil))
	p.until(t, says("no such job")+" && "+says("anthill jobs"))
	p.shot(t, "no-such-job-1440")
	if err := p.server.Close(); err != nil {
		t.Fatal(err)
	}
	p.run(t, chromedp.Evaluate(`location.hash = "#/nodes"`, nil))
	p.until(t, says("is the command that printed its link still running?")+" && "+says("trying again"))
	p.shot(t, "no-server-1440")
}

// TestAnotherSite opens another server's page in the browser that has the cookie, at the same
// host, so that the cookie goes with its requests: none may be answered, by whatever name.
func TestAnotherSite(t *testing.T) {
	answered := make(chan string, 10)
	inside := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" && r.URL.Path != "/favicon.ico" {
			answered <- r.Method + " " + r.URL.Path
		}
		_, _ = w.Write([]byte("<!doctype html><main><h1>inside</h1></main>"))
	})
	server, err := ui.Listen("127.0.0.1:0", inside, func() {})
	if err != nil {
		t.Fatal(err)
	}
	go server.Run(t.Context()) //nolint:errcheck // ends with Close
	t.Cleanup(func() { _ = server.Close() })
	tab := openTab(t, server.Link())
	evil := fmt.Sprintf(`<!doctype html><h1>evil</h1><img src="%[1]s/image"><form action="%[1]s/form" method="post" target="f"></form><iframe name="f"></iframe>`, server.URL())
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(evil))
	}))
	t.Cleanup(other.Close)
	var said string
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL(), "http://"), ":")
	try := fmt.Sprintf(`(async () => { document.forms[0].submit(); const out = [];
		for (const u of [%[1]q + "/api", "http://rebound.localhost:%[2]s/api"]) for (const o of [{method: "POST", mode: "no-cors", credentials: "include", body: "{}"}, {credentials: "include"}, {method: "PUT", credentials: "include"}])
			try { const r = await fetch(u, o); out.push(r.type === "opaque" ? "opaque" : await r.text()); } catch (e) { out.push("refused"); }
		return out.join(); })()`, server.URL(), port)
	if err := chromedp.Run(tab, chromedp.Navigate(other.URL), chromedp.WaitVisible("h1"),
		chromedp.Evaluate(try, &said, func(e *runtime.EvaluateParams) *runtime.EvaluateParams { return e.WithAwaitPromise(true) })); err != nil {
		t.Fatal(err)
	}
	for len(answered) > 0 {
		t.Error("another site was answered: ", <-answered)
	}
	if strings.Contains(said, "inside") {
		t.Errorf("another site read: %s", said)
	}
}
