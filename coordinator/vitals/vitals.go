// Package vitals counts what a coordinator does, for those who watch it: while it leads,
// what the log brings, and how long that takes. Nothing is decided by it.
package vitals

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anthill-grid/anthill/jobs"
)

// statusNames are how attempts ended, as labels.
var statusNames = map[jobs.AttemptStatus]string{
	jobs.Succeeded: "succeeded", jobs.Crashed: "failed", jobs.Killed: "killed",
	jobs.Lost: "lost", jobs.Starved: "starved", jobs.Stopped: "stopped",
}

// Vitals is what is counted.
type Vitals struct {
	leading    atomic.Bool
	commits    prometheus.Histogram
	failures   prometheus.Counter
	submitted  prometheus.Counter
	cancelled  prometheus.Counter
	granted    prometheus.Counter
	reports    *prometheus.CounterVec
	collectors []prometheus.Collector
}

// New counts from zero.
func New() *Vitals {
	v := &Vitals{
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "anthill_commit_seconds", Help: "How long it took until a command was in the log of most voters and applied here.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		reports: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "anthill_reports_total", Help: "Attempts that workers have reported while this coordinator led, by how they ended.",
		}, []string{"status"}),
	}
	count := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		v.collectors = append(v.collectors, c)
		return c
	}
	v.failures = count("anthill_commit_failures_total", "Commands of which it is not known that they are in the log.")
	v.submitted = count("anthill_jobs_submitted_total", "Jobs that were submitted while this coordinator led.")
	v.cancelled = count("anthill_jobs_cancelled_total", "Jobs that were cancelled while this coordinator led.")
	v.granted = count("anthill_leases_granted_total", "Attempts that were given out while this coordinator led.")
	v.collectors = append(v.collectors, v.commits, v.reports)
	for _, name := range statusNames {
		v.reports.WithLabelValues(name)
	}
	return v
}

// Lead says whether this coordinator leads: only then are commands counted, so that the
// sum over all coordinators is right.
func (v *Vitals) Lead(leads bool) { v.leading.Store(leads) }

// Proposed notes how long it took to have a command applied.
func (v *Vitals) Proposed(took time.Duration, err error) {
	if err != nil {
		v.failures.Inc()
		return
	}
	v.commits.Observe(took.Seconds())
}

// Observe sees a command that has just been applied, and what came of it.
func (v *Vitals) Observe(cmd *jobs.Command, out jobs.Outcome) {
	if !v.leading.Load() || out.Rejection != nil {
		return
	}
	switch {
	case cmd.Submit != nil:
		v.submitted.Inc()
	case cmd.Cancel != nil:
		v.cancelled.Inc()
	case cmd.Grant != nil:
		v.granted.Add(float64(len(out.Granted)))
	case cmd.Report != nil:
		for i := range cmd.Report.Reports {
			if name, ok := statusNames[cmd.Report.Reports[i].Status]; ok {
				v.reports.WithLabelValues(name).Inc()
			}
		}
	}
}

// Collect sends all counts to Prometheus.
func (v *Vitals) Collect(ch chan<- prometheus.Metric) {
	for _, c := range v.collectors {
		c.Collect(ch)
	}
}
