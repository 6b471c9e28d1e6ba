package desk

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

func at(address string) swarm.Provider { return swarm.Provider{Address: address, Role: jobs.Submitter} }

func TestCrowdsNamesOthers(t *testing.T) {
	in, id, now := newCrowds(), blob.Of([]byte("a")).ID(), time.Now()
	want := []Announcement{{Blob: id, Peers: 32}}
	if got := in.announce("ada", at("ada:1"), want, now); len(got[0]) != 0 {
		t.Errorf("the first hears of %v", got[0])
	}
	if got := in.announce("bob", at("bob:1"), want, now); len(got[0]) != 1 || got[0][0] != at("ada:1") {
		t.Errorf("the second hears of %v", got[0])
	}
	if got := in.announce("eve", at(""), want, now); len(got[0]) != 2 {
		t.Errorf("one who serves nothing hears of %v", got[0])
	}
	if got := in.announce("ada", at("ada:1"), want, now); len(got[0]) != 1 || got[0][0] != at("bob:1") {
		t.Errorf("ada hears of %v: want neither herself nor who serves nothing", got[0])
	}
	in.announce("bob", at("bob:1"), []Announcement{{Blob: id, Leaving: true}}, now)
	if got := in.announce("ada", at("ada:1"), want, now); len(got[0]) != 0 {
		t.Errorf("ada hears of %v, who left", got[0])
	}
}

func TestCrowdsForgetsTheSilent(t *testing.T) {
	in, id, now := newCrowds(), blob.Of([]byte("a")).ID(), time.Now()
	in.announce("ada", at("ada:1"), []Announcement{{Blob: id}}, now)
	later := now.Add(announcementLife + time.Second)
	if got := in.announce("bob", at("bob:1"), []Announcement{{Blob: id, Peers: 5}}, later); len(got[0]) != 0 {
		t.Errorf("got %v", got[0])
	}
	if len(in.blobs) != 1 {
		t.Errorf("it remembers %d nodes", len(in.blobs))
	}
}

func TestCrowdsNamesCompletePeersAndNotTooMany(t *testing.T) {
	in, id, now := newCrowds(), blob.Of([]byte("a")).ID(), time.Now()
	for k := range 100 {
		in.announce(jobs.NodeID(fmt.Sprint(k)), at(fmt.Sprint(k)), []Announcement{{Blob: id, Complete: k < 2}}, now)
	}
	for range 20 {
		got := in.announce("ada", at(""), []Announcement{{Blob: id, Peers: 10}}, now)[0]
		complete, seen := 0, map[string]bool{}
		for _, p := range got {
			seen[p.Address] = true
			if p == at("0") || p == at("1") {
				complete++
			}
		}
		if len(seen) != 10 || complete != 2 {
			t.Fatalf("%d peers, %d complete", len(seen), complete)
		}
	}
}

// TestNobodyIsAllThatOthersHearOf by naming a thousand addresses.
func TestNobodyIsAllThatOthersHearOf(t *testing.T) {
	in, id, now := newCrowds(), blob.Of([]byte("a")).ID(), time.Now()
	for k := range 100 {
		in.announce(jobs.NodeID(fmt.Sprint(k)), at("honest"), []Announcement{{Blob: id}}, now)
		for port := range 10 {
			in.announce("eve", at(fmt.Sprint("eve:", 10*k+port)), []Announcement{{Blob: id, Complete: true}}, now)
		}
	}
	honest := 0
	for range 10 {
		for _, p := range in.announce("ada", at(""), []Announcement{{Blob: id, Peers: 10}}, now)[0] {
			if p == at("honest") {
				honest++
			}
		}
	}
	if honest < 50 {
		t.Errorf("of 100 peers that were named only %d are honest", honest)
	}
}

// TestAnnouncementsAreCheap in a large swarm, since all other calls wait for them: by
// walks over all of it this one takes seconds.
func TestAnnouncementsAreCheap(t *testing.T) {
	in, id, now := newCrowds(), blob.Of([]byte("a")).ID(), time.Now()
	for k := range 10_000 {
		in.announce(jobs.NodeID(fmt.Sprint(k)), at("h:1"), []Announcement{{Blob: id, Complete: k%2 == 0}}, now)
	}
	list := slices.Repeat([]Announcement{{Blob: id, Peers: 8}}, 1024)
	began := time.Now()
	in.announce("eve", at("eve:1"), list, now)
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

func TestCrowdsBoundsWhatOneNodeAnnounces(t *testing.T) {
	in, now := newCrowds(), time.Now()
	for k := range 2 * MaxAnnounced {
		in.announce("ada", at("ada:1"), []Announcement{{Blob: blob.Of([]byte(fmt.Sprint(k))).ID()}}, now)
	}
	if len(in.byBlob) != MaxAnnounced {
		t.Errorf("%d swarms", len(in.byBlob))
	}
}
