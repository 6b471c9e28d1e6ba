package jobs

import (
	"strings"
	"testing"
	"time"
)

func TestCreateToken(t *testing.T) {
	id := TokenID(strings.Repeat("ab", 32))
	good := CreateToken{Token: id, Role: Worker, Uses: 1, Expires: start + 1}
	tests := []struct {
		name   string
		change func(*CreateToken)
		reason string
		owner  OwnerID
	}{
		{"token is its own owner", func(*CreateToken) {}, "", "token-abababab"},
		{"named owner", func(c *CreateToken) { c.Owner = "ann" }, "", "ann"},
		{"short id", func(c *CreateToken) { c.Token = "x" }, "", "token-x"},
		{"stranger", func(c *CreateToken) { c.Role = Stranger }, "INVALID_FIELD", ""},
		{"unknown role", func(c *CreateToken) { c.Role = 9 }, "INVALID_FIELD", ""},
		{"expired", func(c *CreateToken) { c.Expires = start }, "INVALID_FIELD", ""},
		{"no uses", func(c *CreateToken) { c.Uses = 0 }, "INVALID_FIELD", ""},
		{"too many uses", func(c *CreateToken) { c.Uses = maxUses + 1 }, "INVALID_FIELD", ""},
		{"long owner", func(c *CreateToken) { c.Owner = OwnerID(strings.Repeat("x", 65)) }, "INVALID_FIELD", ""},
		{"workers of the operator", func(c *CreateToken) { c.Owner = OperatorOwner }, "INVALID_FIELD", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := good
			test.change(&c)
			g := newGrid()
			out := g.apply(Command{CreateToken: &c})
			wantRejected(t, out, test.reason)
			if out.Owner != test.owner {
				t.Errorf("owner %q, want %q", out.Owner, test.owner)
			}
			if out.Rejection == nil {
				wantRejected(t, g.apply(Command{CreateToken: &c}), "TOKEN_EXISTS")
			}
		})
	}
}

func TestAdmit(t *testing.T) {
	g := newGrid()
	g.apply(Command{CreateToken: &CreateToken{Token: "two", Role: Worker, Uses: 2, Owner: "ann", Expires: g.clock.Add(time.Hour)}})
	admit := func(token, node string, role Role) Outcome {
		return g.apply(Command{Admit: &AdmitNode{Token: TokenID(token), Node: NodeID(node), Role: role, Address: "at-" + token}})
	}
	wantRejected(t, admit("none", "w1", Worker), "TOKEN_UNKNOWN")
	wantRejected(t, admit("two", "w1", Coordinator), "TOKEN_ROLE")
	for range 3 { // the same node again and again: one use
		if out := admit("two", "w1", Worker); out.Rejection != nil || out.Owner != "ann" {
			t.Fatalf("admit w1: %+v", out)
		}
	}
	if left := g.Tokens["two"].Uses; left != 1 {
		t.Errorf("%d uses left, want 1", left)
	}
	wantRejected(t, admit("two", "w2", Worker), "")
	wantRejected(t, admit("two", "w3", Worker), "TOKEN_USED_UP")
	wantRejected(t, admit("two", "w2", Worker), "") // used up, but it is in
	g.apply(Command{CreateToken: &CreateToken{Token: "other", Role: Worker, Uses: 2, Expires: g.clock.Add(time.Hour)}})
	wantRejected(t, admit("other", "w1", Worker), "NODE_EXISTS")

	g.pass(time.Hour)
	out := admit("other", "w4", Worker)
	wantRejected(t, out, "TOKEN_EXPIRED")
	if want := "token: it expired at 1970-01-01 01:16:40 UTC"; out.Rejection.Error() != want || out.Rejection.Next == "" {
		t.Errorf("rejection %q (next %q), want %q", out.Rejection.Error(), out.Rejection.Next, want)
	}
	wantRejected(t, admit("two", "w1", Worker), "")
	if g.Nodes["w1"].Owner != "ann" || g.Nodes["w1"].Address != "at-two" || g.Nodes["w4"] != nil {
		t.Errorf("nodes: %+v", g.Nodes)
	}
}
