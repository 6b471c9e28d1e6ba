package keeper

import (
	"sync"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/voter"
	"github.com/anthill-grid/anthill/jobs"
)

// Workers read here what an unfinished job is made of, and nothing else that
// is on the disk: no result, be it accepted or only reported.
func TestWorkersReadOnlyWhatUnfinishedJobsName(t *testing.T) {
	t.Parallel()
	l := voter.New(t)
	k := newKeeping(l, openStore(t, t.TempDir()))
	ref := func(s string) blob.Ref { return blob.Of([]byte(s)).Ref() }
	named := []string{string(voter.Bundle), "input", "offsets of input", "data"}
	k.has(append(named, "result", "leftover")...)
	index := ref("offsets of input")
	l.Submit("j", 1, func(c *jobs.SubmitJob) {
		c.Spec.Input = jobs.Input{Blob: &jobs.BlobInput{Blob: ref("input"), Index: &index}}
		c.Spec.Data = []jobs.DataFile{{Name: "d", Blob: ref("data")}}
	})
	var copies sync.WaitGroup
	defer copies.Wait()
	reads := func(role jobs.Role, name string) bool {
		return k.MayRead(identity.NewContext(t.Context(), identity.Peer{Node: "n", Role: role}), ref(name).ID)
	}
	check := func(when string, open map[string]bool) {
		t.Helper()
		k.keepInputs(t.Context(), &copies)
		for _, name := range append(named, "result", "leftover", "unknown") {
			if got := reads(jobs.Worker, name); got != open[name] {
				t.Errorf("%s: a worker reads %s: %v", when, name, got)
			}
			for _, role := range []jobs.Role{jobs.Coordinator, jobs.Submitter, jobs.Operator} {
				if !reads(role, name) {
					t.Errorf("%s: a %v does not read %s", when, role, name)
				}
			}
			if reads(jobs.Stranger, name) || reads(99, name) || k.MayRead(t.Context(), ref(name).ID) {
				t.Errorf("%s: anybody reads %s", when, name)
			}
		}
	}
	check("while the job runs", map[string]bool{string(voter.Bundle): true, "input": true, "offsets of input": true, "data": true})
	l.Submit("next", 1, func(c *jobs.SubmitJob) {
		c.Spec.Bundle, c.Spec.Data = ref(string(voter.Bundle)), []jobs.DataFile{{Name: "d", Blob: ref("result")}}
	})
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "j", By: "op"}})
	check("while another reads its result", map[string]bool{string(voter.Bundle): true, "result": true})
	l.Do(jobs.Command{Cancel: &jobs.CancelJob{Job: "next", By: "op"}})
	check("when both are over", nil)
	l.Do(jobs.Command{Keep: &jobs.KeepBlob{Blob: ref("leftover"), By: "op", Room: 1 << 30}})
	check("when a dataset is kept that no job reads", nil)
	l.Do(jobs.Command{Drop: &jobs.DropBlob{Blob: ref("leftover").ID, By: "op"}})
	check("when it was dropped", nil)
}
