package jobs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// drawing gives the same random numbers each time.
func drawing() func(n int) int {
	i := uint64(0)
	return func(n int) int { i++; return int(mix(1, 0, uint32(i))) % n }
}

func unlike(a, b NodeID) int64 { return 1 }

func TestAPlanGivesNobodyATaskTwice(t *testing.T) {
	g := gridAt(VersionStrangers).with("w1", "w2", "w3", "w4", "w5")
	g.submit("j", boundSpec(1, DefaultMaxError))
	g.run("j", 0, "w1", "lie")
	for _, worker := range []string{"w2", "w3", "w4"} {
		g.run("j", 0, worker, "a")
	}
	p := g.PlanChecks(g.Jobs["j"], Rates{})
	if _, ok := p.Exam("w5", func(n int) int { return n - 1 }); !ok {
		t.Fatal("a newcomer is not examined by a task about which a lie came out")
	}
	if place, ok := p.Check("w5", unlike, drawing()); ok {
		t.Fatalf("it gets task %d once more", place)
	}
}

// The simulator replays a seed exactly, and so must a plan.
func TestAPlanIsTheSameEachTime(t *testing.T) {
	g := gridAt(VersionStrangers).with("w1", "w2", "w3", "w4")
	g.submit("j", boundSpec(40, DefaultMaxError))
	for task := range Place(40) {
		g.grant("j", task, []string{"w1", "w2", "w3"}[task%3], false)
	}
	want, _ := g.PlanChecks(g.Jobs["j"], Rates{}).Check("w4", unlike, drawing())
	for range 20 {
		if got, ok := g.PlanChecks(g.Jobs["j"], Rates{}).Check("w4", unlike, drawing()); !ok || got != want {
			t.Fatalf("task %d is checked, and before it was %d", got, want)
		}
	}
}

// TestApplyCannotPlan: no other file of the package uses what the files declare by which the leader plans,
// so Apply cannot reach it.
func TestApplyCannotPlan(t *testing.T) {
	const planning = "checkplan.go"
	alike := []string{planning, "steadyplan.go"}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	parsed := map[string]*ast.File{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if parsed[name], err = parser.ParseFile(token.NewFileSet(), name, nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	declared := map[string]bool{"CheckPlan": true}
	for _, file := range alike {
		for _, d := range parsed[file].Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil || ok && isMethodOf(f, "State") {
				declared[f.Name.Name] = true
			}
		}
	}
	if !declared["PlanChecks"] || !declared["AllAsked"] {
		t.Fatalf("%s declares %v: what the leader plans by has moved, and this test must follow it", planning, declared)
	}
	for name, file := range parsed {
		ast.Inspect(file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && !slices.Contains(alike, name) && declared[id.Name] {
				t.Errorf("%s uses %s: only the leader may plan, since it draws at random", name, id.Name)
			}
			return true
		})
	}
}

// isMethodOf tells whether a function can only be called on a pointer to this type.
func isMethodOf(f *ast.FuncDecl, typ string) bool {
	if f.Recv == nil {
		return false
	}
	star, ok := f.Recv.List[0].Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	id, ok := star.X.(*ast.Ident)
	return ok && id.Name == typ
}
