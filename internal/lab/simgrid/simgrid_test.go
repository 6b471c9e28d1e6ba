package simgrid

import (
	"math"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

// small is a grid that is played within a fraction of a second.
func small(policy Policy) Config {
	cfg := Default()
	cfg.Workers, cfg.Tasks, cfg.Policy, cfg.MaxError = 50, 1000, policy, 1e-2
	return cfg
}

func run(t *testing.T, cfg Config, seeds int) Outcome {
	t.Helper()
	out, err := RunSeeds(t.Context(), cfg, 1, seeds, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestASeedIsReplayedExactly(t *testing.T) {
	t.Parallel()
	for _, policy := range Policies {
		cfg := small(policy)
		cfg.Tasks = 300
		cfg.Cheat, cfg.Independent, cfg.Sleeper, cfg.Sybil, cfg.Slow, cfg.Crash = 0.5, true, 2, true, 0.1, 0.1
		first, again := run(t, cfg, 1), run(t, cfg, 1)
		first.Seconds, again.Seconds = 0, 0
		if first != again {
			t.Errorf("%s: %+v, and again: %+v", policy, first, again)
		}
		other, err := Run(t.Context(), cfg, 2)
		if err != nil {
			t.Fatal(err)
		}
		if other.Seconds = 0; other == first {
			t.Errorf("%s: another seed has the same outcome: %+v", policy, other)
		}
	}
}

func TestAnHonestGridIsRight(t *testing.T) {
	t.Parallel()
	for _, policy := range Policies {
		cfg := small(policy)
		cfg.Liars, cfg.Slow, cfg.Crash = 0, 0.05, 0.05
		cfg.Tasks = 500
		out := run(t, cfg, 2)
		if out.Wrong != 0 || out.HonestBanned != 0 || out.Liars != 0 || out.Tasks != 1000 || out.Jobs != 2 {
			t.Errorf("%s: %+v", policy, out)
		}
		if out.Started <= out.Tasks {
			t.Errorf("%s: %d attempts at %d tasks of which a twentieth crashed", policy, out.Started, out.Tasks)
		}
	}
}

// A fifth of colluders that always cheat: two of the first two voters or of
// three, f²+2f²(1-f), believe them, and f(1-f)·2 of the tasks take a third. The
// jobs are so short that nobody is banned.
func TestQuorumIsAsWrongAsTheorySays(t *testing.T) {
	t.Parallel()
	cfg := small(Quorum2)
	cfg.Workers, cfg.Tasks, cfg.Cheat = 200, 100, 1
	out := run(t, cfg, 30)
	if math.Abs(out.ErrorRate()-0.104) > 0.025 || math.Abs(out.Redundancy()-2.32) > 0.1 || out.LiarsBanned > 0 {
		t.Errorf("%.3f wrong at %.2f executions, want about 0.104 at 2.32: %+v", out.ErrorRate(), out.Redundancy(), out)
	}
}

// The grid's own rule, against colluders that lie rarely, often and always.
func TestCredibilityHoldsWhatItPromises(t *testing.T) {
	t.Parallel()
	for _, cheat := range []float64{0.02, 0.2, 1} {
		cfg := small(Credibility)
		cfg.Tasks, cfg.Cheat = 500, cheat
		out := run(t, cfg, 2)
		if out.ErrorRate() > cfg.MaxError || out.Bound > 4*cfg.MaxError || out.HonestBanned > 0 {
			t.Errorf("cheating on %g: %.4f wrong where %g was asked for: %+v", cheat, out.ErrorRate(), cfg.MaxError, out)
		}
		if out.Redundancy() > 2 {
			t.Errorf("cheating on %g: %.2f executions, more than a quorum of 2 takes", cheat, out.Redundancy())
		}
	}
}

// Every adversary replays, and a grid goes on from job to job.
func TestAdversariesAreReplayedExactly(t *testing.T) {
	t.Parallel()
	for _, a := range Adversaries {
		cfg := small(Credibility)
		cfg.Tasks, cfg.Jobs, cfg.Adversary, cfg.Cheat = 200, 2, a, 0.3
		if a == Killer {
			cfg.Cheat = 0.02
		}
		first, again := run(t, cfg, 1), run(t, cfg, 1)
		first.Seconds, again.Seconds = 0, 0
		if first != again || first.Jobs != 2 || first.Tasks != 400 {
			t.Errorf("%s: %+v, and again: %+v", a, first, again)
		}
	}
}

// Those who see lie where nobody honest is at the task, and confirm each other.
func TestLiarsWhoSee(t *testing.T) {
	c := newCrowd(Config{Workers: 10, Tasks: 1000, Liars: 0.2, Cheat: 1, Adversary: Seeing}, 1)
	liar := c.add(true)
	for _, s := range []struct {
		adversary Adversary
		cheat     float64
		scene
		lies bool
	}{
		{Seeing, 1, scene{}, true},
		{Seeing, 1, scene{honest: true, lied: true}, false},
		{Seeing, 0, scene{lied: true}, true},
		{Late, 1, scene{progress: 0.4}, false},
		{Late, 1, scene{progress: 0.6}, true},
		{Checker, 1, scene{}, false},
		{Checker, 1, scene{honest: true, accuses: true}, true},
		{Blind, 1, scene{honest: true}, true},
	} {
		c.Adversary, c.Cheat = s.adversary, s.cheat
		if got := c.liesAbout(liar, 1, s.scene); got != s.lies {
			t.Errorf("%s lie: %v, of %+v", s.adversary, got, s.scene)
		}
	}
}

// Whatever liars see, remember and wait for, they get no more past the grid than was asked
// for, and no honest owner is banned for it.
func TestTheBoundHoldsAgainstLiarsWhoThink(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		adversary Adversary
		cheat     float64
	}{
		{Blind, 0.05}, {Blind, 1}, {Checker, 0.2}, {Seeing, 0.02}, {Seeing, 0.1}, {Seeing, 1},
		{Late, 0.1}, {Late, 1}, {Grown, 0.05}, {Grown, 0.5}, {Best, 0}, {HitAndRun, 0},
	} {
		cfg := small(Credibility)
		cfg.Adversary, cfg.Cheat = c.adversary, c.cheat
		out := run(t, cfg, 2)
		if out.ErrorRate() > cfg.MaxError || out.HonestBanned > 0 {
			t.Errorf("%s, cheating on %g: %.4f wrong where %g was asked for: %+v", c.adversary, c.cheat, out.ErrorRate(), cfg.MaxError, out)
		}
	}
}

// Nobody is asked for a second opinion before the first vote is in.
func TestChecksComeAfterTheVote(t *testing.T) {
	t.Parallel()
	g, err := newGrid(small(Credibility), 1)
	if err != nil {
		t.Fatal(err)
	}
	p := &play{crowd: newCrowd(small(Credibility), 1), grid: g, beat: g.now + beatEvery, byNode: map[jobs.NodeID]*worker{}}
	for _, w := range p.workers {
		if err := p.join(w); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.submit(p.Config, p.seed, 0); err != nil {
		t.Fatal(err)
	}
	checks := 0
	for p.job.State == jobs.JobRunning {
		if err := p.step(); err != nil {
			t.Fatal(err)
		}
		for place, task := range p.job.Open {
			for _, a := range task.Attempts[1:] {
				if checks++; a.Seen == 0 && task.Attempts[0].State != jobs.AttemptVoid {
					t.Fatalf("two have task %d, on which nobody had voted: %+v", place, task)
				}
			}
		}
	}
	if checks == 0 {
		t.Error("nothing was checked")
	}
}

// The model of BOINC is known to accept 8 % wrong results at 1.7 executions.
func TestBOINCIsAsWrongAsIsKnown(t *testing.T) {
	t.Parallel()
	cfg := small(BOINC)
	cfg.Workers, cfg.Tasks, cfg.Cheat = 200, 20_000, 1
	out := run(t, cfg, 2)
	if math.Abs(out.ErrorRate()-0.08) > 0.01 || math.Abs(out.Redundancy()-1.7) > 0.1 {
		t.Errorf("%.3f wrong at %.2f executions", out.ErrorRate(), out.Redundancy())
	}
}

func TestLiars(t *testing.T) {
	c := newCrowd(Config{Workers: 10, Liars: 0.25, Cheat: 0.5, Sleeper: 3, Adversary: Blind}, 1)
	var liars []*worker
	for _, w := range c.workers {
		if w.liar {
			liars = append(liars, w)
		}
	}
	if len(liars) != 3 { // 2.5, rounded
		t.Fatalf("%d liars", len(liars))
	}
	lies := 0
	for task := range jobs.Index(1000) {
		a, b := c.answer(liars[0], task, scene{}), c.answer(liars[1], task, scene{})
		if a != b {
			t.Fatalf("task %d: colluders say %v and %v", task, a, b)
		}
		if a != result(task, right) {
			lies++
			if task < 3 {
				t.Errorf("a sleeper lies about its task %d", task)
			}
		}
	}
	if math.Abs(float64(lies)-500) > 60 || liars[0].lies != lies {
		t.Errorf("%d lies in 1000 answers, %d counted, want about 500", lies, liars[0].lies)
	}
	c.Independent, c.Cheat, c.Sleeper = true, 1, 0
	if c.answer(liars[0], 1, scene{}) == c.answer(liars[1], 1, scene{}) {
		t.Error("independent liars tell the same lie")
	}
}

func TestSybilsReturn(t *testing.T) {
	t.Parallel()
	cfg := small(Quorum2)
	cfg.Cheat = 1
	if out := run(t, cfg, 1); out.Liars != 10 || out.LiarsBanned == 0 || out.LiesOfBanned < 3*out.LiarsBanned {
		t.Errorf("liars who stay away: %+v", out)
	}
	cfg.Sybil = true
	if out := run(t, cfg, 1); out.Liars != 10+out.LiarsBanned || out.LiarsBanned <= 10 {
		t.Errorf("sybils: %+v", out)
	}
}

func TestCheck(t *testing.T) {
	if err := Default().Check(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		want  string
		spoil func(*Config)
	}{
		{"workers: 0", func(c *Config) { c.Workers = 0 }},
		{"tasks: -1", func(c *Config) { c.Tasks = -1 }},
		{"liars: 1.1", func(c *Config) { c.Liars = 1.1 }},
		{"cheat: NaN", func(c *Config) { c.Cheat = math.NaN() }},
		{"slow: -0.1", func(c *Config) { c.Slow = -0.1 }},
		{"crash: 1", func(c *Config) { c.Crash = 1 }},
		{"sleeper: -1", func(c *Config) { c.Sleeper = -1 }},
		{"max-error: 0", func(c *Config) { c.MaxError = 0 }},
		{"jobs: 0", func(c *Config) { c.Jobs = 0 }},
		{`adversary: "x"`, func(c *Config) { c.Adversary = "x" }},
		{"policy: boinc", func(c *Config) { c.Policy, c.Adversary = BOINC, Late }},
		{"saboteurs: 1", func(c *Config) { c.Saboteurs = 1 }},
		{`policy: "x"`, func(c *Config) { c.Policy = "x" }},
	} {
		cfg := Default()
		c.spoil(&cfg)
		if _, err := Run(t.Context(), cfg, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
