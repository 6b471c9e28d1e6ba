package swarm

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

func open(t *testing.T, path string) *refusals {
	t.Helper()
	r, err := openRefusals(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRefusalsFadeAndDouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := open(t, "")
		for k, days := range []int{1, 2, 4, 8, 16, 32, 64, 64} {
			r.add("mallory", "m:1")
			r.add("mallory", "m:2") // of the same lie
			time.Sleep(time.Duration(days)*24*time.Hour - time.Second)
			if !r.has("mallory", "m:9") {
				t.Fatalf("offence %d is forgiven before %d days", k+1, days)
			}
			time.Sleep(2 * time.Second)
			if r.has("mallory", "m:1") {
				t.Fatalf("offence %d is not forgiven after %d days", k+1, days)
			}
		}
		time.Sleep(offenceMemory)
		r.add("mallory", "m:1")
		time.Sleep(firstRefusal)
		if r.has("mallory", "m:1") {
			t.Error("offences of a year ago still count")
		}
	})
}

func TestRefusalGoesByKeyWhereThereIsOne(t *testing.T) {
	r := open(t, "")
	r.add("mallory", "m:1")
	if r.has("honest", "m:1") || r.has("", "m:1") || !r.has("mallory", "elsewhere:1") {
		t.Error("the address counts")
	}
	r.add("", "n:1")
	if !r.has("", "n:1") || r.has("honest", "n:1") {
		t.Error("a nameless liar is not refused by its address, or somebody is refused for having it")
	}
	if r.count() != 2 {
		t.Errorf("%d are refused", r.count())
	}
}

func TestRefusalsOutliveTheProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refused.json")
	open(t, path).add("mallory", "m:1")
	if !open(t, path).has("mallory", "") {
		t.Error("forgotten")
	}
	if err := os.WriteFile(path, []byte("{rot"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := open(t, path)
	if r.has("mallory", "") {
		t.Error("read from a damaged file")
	}
	r.add("eve", "e:1")
	if !open(t, path).has("eve", "") {
		t.Error("after a damaged file nothing is kept")
	}
}

func TestRefusalsAreBounded(t *testing.T) {
	r := open(t, "")
	r.add("first", "")
	time.Sleep(time.Millisecond)
	for k := range maxRefusals {
		r.addresses[fmt.Sprint(k)] = refusal{}
		r.nodes[jobs.NodeID(fmt.Sprint(k))] = refusal{Until: time.Now().Add(48 * time.Hour)}
	}
	trim(r.nodes)
	if len(r.nodes) != maxRefusals || r.has("first", "") {
		t.Errorf("%d are remembered, the first one too: %v", len(r.nodes), r.has("first", ""))
	}
}
