package jobs

import (
	"bytes"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// signer is a node's key, and its id.
func signer(seed byte) (ed25519.PrivateKey, NodeID) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	var word blob.Served
	word.Sign(key)
	return key, NodeID(word.Signer())
}

// missent is proof that the node of a key sent garbage.
func missent(key ed25519.PrivateKey, at Time) *blob.Misserved {
	m := blob.Of([]byte("right"))
	word := blob.Served{Blob: m.ID(), Hash: [32]byte{9}, Receiver: "w1", At: int64(at)}
	word.Sign(key)
	return &blob.Misserved{Served: word, Manifest: m.Encode()}
}

func (g *grid) bring(by string, proof *blob.Misserved) Outcome {
	return g.apply(Command{Accuse: &AccusePeers{By: NodeID(by), Proof: proof}})
}

// TestWordsBanNobody, however many owners say so and of whom.
func TestWordsBanNobody(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4")
	for _, by := range []string{"w1", "w2", "w3", "sub"} {
		if out := g.apply(Command{Accuse: &AccusePeers{By: NodeID(by), Nodes: []NodeID{"w4", "sub", "op", "c1"}}}); out.Rejection != nil {
			t.Fatal(out.Rejection)
		}
	}
	for id, o := range g.Owners {
		if o.Banned != "" || len(o.Accusers) > 0 {
			t.Errorf("%s: banned for %q, accused by %v", id, o.Banned, o.Accusers)
		}
	}
}

// TestOneProofBans whoever signed it, whoever brings it, and none whose owner runs the grid.
func TestOneProofBans(t *testing.T) {
	g := gridOf("w1")
	key, mallory := signer(1)
	g.admit(Worker, string(mallory), "mallory")
	theirs, coordinator := signer(2)
	g.admit(Coordinator, string(coordinator), "host")
	stranger, _ := signer(3)
	forged := missent(key, g.clock)
	forged.Served.Hash[0]++
	for name, proof := range map[string]*blob.Misserved{
		"of a coordinator": missent(theirs, g.clock), "of a stranger": missent(stranger, g.clock), "forged": forged,
	} {
		if g.bring("w1", proof); g.banned("mallory") || g.banned("host") {
			t.Fatalf("somebody is banned by one %s", name)
		}
	}
	g.bring("w1", missent(key, g.clock))
	if o := g.Owners["mallory"]; o.Banned == "" || o.Proof == nil || o.Proof.Signer() != string(mallory) {
		t.Fatalf("mallory is %+v", o)
	}
	if _, r := g.Convicts(missent(key, g.clock)); r == nil || r.Reason != "ALREADY_BANNED" {
		t.Errorf("once more: %v", r)
	}
	old := missent(key, g.clock)
	g.pass(time.Hour)
	if out := g.apply(Command{BanOwner: &BanOwner{Owner: "mallory", By: "op", Lift: true}}); out.Rejection != nil {
		t.Fatal(out.Rejection)
	}
	if g.bring("w1", old); g.banned("mallory") || g.Owners["mallory"].Proof != nil {
		t.Error("what was pardoned bans once more")
	}
	g.pass(time.Hour)
	if g.bring("w1", missent(key, g.clock)); !g.banned("mallory") {
		t.Error("what came after the pardon does not count")
	}
}

// TestOldRulesKnowNoProof: replicas of the version before cannot read it.
func TestOldRulesKnowNoProof(t *testing.T) {
	g := oldGrid()
	key, mallory := signer(1)
	g.admit(Worker, string(mallory), "mallory")
	if g.bring("c1", missent(key, g.clock)); g.banned("mallory") {
		t.Error("banned")
	}
	if v := (&Command{Accuse: &AccusePeers{Proof: missent(key, 0)}}).Version(); v != VersionThinkers {
		t.Errorf("replicas of version %d are to read it", v)
	}
}

// TestALiftedBanHasVotesJudgedAgain: with fewer liars to fear, what waited for a further
// voice may be proven, and the other way round.
func TestALiftedBanHasVotesJudgedAgain(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4", "w5", "w6")
	g.submit("j", boundSpec(1, One/100))
	g.run("j", 0, "w1", "aa")
	g.run("j", 0, "w2", "bad")
	g.apply(Command{BanOwner: &BanOwner{Owner: "owner-w2", By: "op"}})
	if task := g.Jobs["j"].Open[0]; task != nil && task.Disputed {
		t.Fatalf("a banned owner's vote counts: %+v", task)
	}
	before := g.liarsToFear()
	g.apply(Command{BanOwner: &BanOwner{Owner: "owner-w2", By: "op", Lift: true}})
	if g.banned("owner-w2") || g.Owners["owner-w2"].Checks != 0 || g.liarsToFear() < before {
		t.Errorf("let in again it is %+v", g.Owners["owner-w2"])
	}
	if g.run("j", 0, "w3", "aa"); g.Jobs["j"].Count != 1 {
		t.Errorf("%d results", g.Jobs["j"].Count)
	}
}
