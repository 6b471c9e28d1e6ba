package cli

import (
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// An end is estimated once this part of a job is done, or so many of its tasks, and
	// that was watched for so long: what comes before is mostly compiling.
	leastShare   = 0.05
	leastSettled = 20
	leastWatch   = 5 * time.Second
	// recent is the shortest time from which the pace is taken. In a long job it is the
	// second half of what was watched.
	recent = time.Minute
	// maxSamples bounds what is remembered of a job's progress.
	maxSamples = 256
)

// pace estimates when a job will be finished, from its pace of late.
type pace struct {
	begun   time.Time // when something was done for the first time
	samples []sample  // since then, oldest first
}

// sample is how much of a job was done at a time.
type sample struct {
	at   time.Time
	done float64
}

// eta is how long the rest will take, or 0 as long as there is no telling.
func (p *pace) eta(job *anthillv1.Job, now time.Time) time.Duration {
	done, tasks := portion(job), job.GetTasks()
	settled := tasks.GetDone() + tasks.GetFailed()
	if done <= 0 || done >= 1 {
		return 0
	}
	p.note(sample{now, done})
	first := p.samples[0]
	if done < leastShare && settled < leastSettled || now.Sub(p.begun) < leastWatch || done <= first.done {
		return 0
	}
	return time.Duration(float64(now.Sub(first.at)) / (done - first.done) * (1 - done)).Round(time.Second)
}

// note remembers a sample, and forgets those that are long past.
func (p *pace) note(s sample) {
	if len(p.samples) == 0 {
		p.begun = s.at
	}
	if len(p.samples) == maxSamples {
		for i := range maxSamples / 2 {
			p.samples[i] = p.samples[2*i]
		}
		p.samples = p.samples[:maxSamples/2]
	}
	p.samples = append(p.samples, s)
	window := max(recent, s.at.Sub(p.begun)/2)
	for len(p.samples) > 2 && s.at.Sub(p.samples[1].at) >= window {
		p.samples = p.samples[1:]
	}
}
