package jobs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// rotate takes a step in the name of the operator.
func (g *grid) rotate(c RotateAuthority) *Rejection {
	c.By = "op"
	if next := g.Succession(); next != nil {
		c.Number = next.Authority.Number
	}
	return g.apply(Command{Rotate: &c}).Rejection
}

func wantReason(t *testing.T, what string, r *Rejection, reason string) {
	t.Helper()
	if r == nil && reason != "" || r != nil && r.Reason != reason {
		t.Errorf("%s: %v, want %q", what, r, reason)
	}
}

func (g *grid) certify(nodes ...NodeID) {
	g.apply(Command{See: &SeeNodes{Certified: nodes, Authority: g.Succession().Authority.Number}})
}

func TestARotation(t *testing.T) {
	g := gridOf("w1", "w2")
	g.admit(Coordinator, "c2", "operators")
	begin := RotateAuthority{Step: BeginRotation, Present: []byte("a"), Next: []byte("b")}
	token := func(id TokenID, role Role) {
		if r := g.apply(Command{CreateToken: &CreateToken{Token: id, Role: role, Uses: 9, Owner: "x", Expires: g.clock.Add(time.Hour), Authority: g.Authority().Number}}).Rejection; r != nil {
			t.Fatal(r)
		}
	}
	token("coordinators", Coordinator)
	token("operators", Operator)
	token("workers", Worker)
	wantReason(t, "finished before it is begun", g.rotate(RotateAuthority{Step: FinishRotation}), "NO_ROTATION")
	wantReason(t, "begun", g.rotate(begin), "")
	wantReason(t, "begun twice", g.rotate(begin), "ROTATION_BEGUN")
	if g.Tokens["coordinators"] != nil || g.Tokens["operators"] != nil || g.Tokens["workers"] == nil {
		t.Error("tokens of coordinators and operators end, others do not")
	}
	wantReason(t, "finished before it is ready", g.rotate(RotateAuthority{Step: FinishRotation, Force: true}), "NOT_READY")
	g.certify("c1")
	wantReason(t, "ready without c2", g.rotate(RotateAuthority{Step: ReadyRotation}), "KEY_MISSING")
	if a := g.Authority(); a.Number != 0 || string(a.Certificate) != "a" {
		t.Errorf("it is %+v before it is ready", a)
	}
	g.certify("c2")
	wantReason(t, "ready", g.rotate(RotateAuthority{Step: ReadyRotation}), "")
	if a := g.Authority(); a.Number == 0 || string(a.Certificate) != "b" {
		t.Errorf("it is %+v once it is ready", a)
	}
	token("new", Worker)
	g.admit(Coordinator, "c3", "operators")
	wantReason(t, "c3 has no certificate", g.rotate(RotateAuthority{Step: FinishRotation, Force: true}), "COORDINATORS_BEHIND")
	g.certify("c3", "op", "sub", "w1")
	r := g.rotate(RotateAuthority{Step: FinishRotation})
	wantReason(t, "w2 has none", r, "NODES_BEHIND")
	if !strings.Contains(r.Error(), "worker w2 of owner-w2 have") {
		t.Errorf("who: %v", r)
	}
	other := RotateAuthority{Step: FinishRotation, By: "op", Number: 99}
	wantReason(t, "another one", g.apply(Command{Rotate: &other}).Rejection, "ANOTHER_ROTATION")
	wantReason(t, "forced", g.rotate(RotateAuthority{Step: FinishRotation, Force: true}), "")
	if len(g.Tokens) != 1 || g.Tokens["new"] == nil || g.Succession() != nil || string(g.Authorities.Present.Certificate) != "b" {
		t.Errorf("finished: tokens %v, %+v", g.Tokens, g.Authorities)
	}
	wantReason(t, "from another", g.rotate(begin), "ANOTHER_AUTHORITY")
	wantReason(t, "a second one", g.rotate(RotateAuthority{Step: BeginRotation, Present: []byte("b"), Next: []byte("c")}), "")
	wantReason(t, "undone", g.rotate(RotateAuthority{Step: UndoRotation}), "")
	var acts []Act
	for _, e := range g.Record {
		if e.By == "op" && strings.HasPrefix(string(e.Act), "authority") {
			acts = append(acts, e.Act)
		}
	}
	if !slices.Equal(acts, []Act{ActAuthorityBegun, ActAuthorityEnded, ActAuthorityBegun, ActAuthorityUndone}) {
		t.Errorf("recorded are %v", acts)
	}
}

func TestSleepersDoNotHoldUpARotation(t *testing.T) {
	g := gridOf("w1")
	g.rotate(RotateAuthority{Step: BeginRotation, Present: []byte("a"), Next: []byte("b")})
	g.certify("c1", "op", "sub")
	g.rotate(RotateAuthority{Step: ReadyRotation})
	wantReason(t, "w1 was here a moment ago", g.rotate(RotateAuthority{Step: FinishRotation}), "NODES_BEHIND")
	g.pass(CertificateLife)
	g.apply(Command{See: &SeeNodes{Nodes: []NodeID{"op", "sub", "c1"}}})
	if l := g.Laggards(); !slices.Equal(l.Asleep, []NodeID{"w1"}) || len(l.Awake) != 0 {
		t.Errorf("%+v", l)
	}
	wantReason(t, "w1 was not here for long", g.rotate(RotateAuthority{Step: FinishRotation}), "")
}

// TestAKeyThatLeftIsOfNoUse: who is removed during a rotation has the new key as well.
func TestAKeyThatLeftIsOfNoUse(t *testing.T) {
	g := gridOf()
	g.admit(Coordinator, "c2", "operators")
	g.rotate(RotateAuthority{Step: BeginRotation, Present: []byte("a"), Next: []byte("b")})
	g.certify("c1", "c2", "op", "sub")
	g.rotate(RotateAuthority{Step: ReadyRotation})
	if r := g.end("c2", EndNode{Coordinator: true, Revoke: true}); r != nil {
		t.Fatal(r)
	}
	wantReason(t, "its key is out", g.rotate(RotateAuthority{Step: FinishRotation, Force: true}), "KEY_LEFT")
	wantReason(t, "undone", g.rotate(RotateAuthority{Step: UndoRotation}), "")
	wantReason(t, "begun again", g.rotate(RotateAuthority{Step: BeginRotation, Present: []byte("a"), Next: []byte("c")}), "")
}

// TestRotationsKeepTheirLaw: whatever is done in whatever order, no authority is finished
// of which a coordinator lacks the key or a certificate, or whose key has left; each number
// means one authority for ever; and what is refused changes nothing.
func TestRotationsKeepTheirLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := gridOf("w1", "w2")
		certificates, made := map[uint64]string{}, 0
		present := "a0"
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			before, serial := g.Clone(), g.Rotations()
			g.clock += Time(rapid.SampledFrom([]int64{1, 1, 1, int64(CertificateLife / time.Millisecond / 2)}).Draw(t, "pass"))
			var c RotateAuthority
			switch rapid.IntRange(0, 7).Draw(t, "step") {
			case 0:
				made++
				c = RotateAuthority{Step: BeginRotation, Present: []byte(present), Next: fmt.Append(nil, "a", made)}
			case 1:
				c = RotateAuthority{Step: ReadyRotation}
			case 2:
				c = RotateAuthority{Step: FinishRotation, Force: rapid.Bool().Draw(t, "force")}
			case 3:
				c = RotateAuthority{Step: UndoRotation}
			case 4:
				see := SeeNodes{Authority: uint64(rapid.IntRange(0, 1).Draw(t, "old"))}
				if next := g.Succession(); next != nil {
					see.Authority = next.Authority.Number
				}
				for _, id := range sortedKeys(g.Nodes) {
					if rapid.IntRange(0, 9).Draw(t, "has") > 0 {
						see.Certified = append(see.Certified, id)
					}
				}
				g.apply(Command{See: &see})
				continue
			case 5:
				g.admit(Coordinator, fmt.Sprint("c", len(g.Nodes)), "operators")
				continue
			case 6:
				ids := sortedKeys(g.Nodes)
				id := ids[rapid.IntRange(0, len(ids)-1).Draw(t, "who")]
				g.end(string(id), EndNode{Coordinator: g.Nodes[id].Role == Coordinator})
				continue
			default:
				id := TokenID(fmt.Sprint("t", len(g.Tokens), g.clock))
				g.apply(Command{CreateToken: &CreateToken{Token: id, Role: Worker, Uses: 1, Owner: "x", Expires: g.clock + 1, Authority: g.Authority().Number}})
				continue
			}
			was := g.Succession()
			lacking := g.Laggards().Coordinators
			if r := g.rotate(c); r != nil {
				before.Now = g.Now
				if !reflect.DeepEqual(before, g.Clone()) {
					t.Fatalf("refused (%v), and something has changed", r)
				}
				continue
			}
			if g.Rotations() != serial+1 {
				t.Fatal("the serial did not grow by one")
			}
			if c.Step == FinishRotation {
				present = string(was.Authority.Certificate)
				if len(lacking) > 0 || len(was.Gone) > 0 || was.Ready == 0 {
					t.Fatalf("finished without %v, with %v gone", lacking, was.Gone)
				}
				for id, token := range g.Tokens {
					if token.Authority != was.Authority.Number {
						t.Fatalf("token %s names authority %d", id, token.Authority)
					}
				}
			}
			if c.Step == ReadyRotation && len(lacking) > 0 {
				t.Fatalf("ready without %v", lacking)
			}
			list := []Authority{g.Authorities.Present}
			if next := g.Succession(); next != nil {
				list = append(list, next.Authority)
			}
			for _, a := range list {
				if seen := certificates[a.Number]; seen != "" && seen != string(a.Certificate) {
					t.Fatalf("authority %d was %s, and is %s", a.Number, seen, a.Certificate)
				}
				certificates[a.Number] = string(a.Certificate)
			}
		}
	})
}

func TestOldRulesKnowNoRotation(t *testing.T) {
	g := gridAt(VersionThinkers)
	wantReason(t, "old rules", g.rotate(RotateAuthority{Step: BeginRotation, Present: []byte("a"), Next: []byte("b")}), "RULES_TOO_OLD")
}
