package electorate

import (
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const replaceAfter = 10 * time.Minute

// parse reads servers such as "a:lead b:vote c:spare d:gone e:removed": lead, vote and spare
// answer; new is a spare that is not up to date; out is a voter silent for a second, gone
// one for ten minutes; removed votes, and lead-removed leads.
func parse(t *testing.T, text string) (list []Server) {
	t.Helper()
	for word := range strings.FieldsSeq(text) {
		name, kind, _ := strings.Cut(word, ":")
		s := Server{Node: jobs.NodeID(name), Address: name + ":1", Votes: true, Steady: time.Minute}
		switch kind {
		case "lead":
			s.Leads = true
		case "vote":
		case "spare":
			s.Votes = false
		case "new":
			s.Votes, s.Steady = false, 0
		case "out":
			s.Silent, s.Steady = time.Second, 0
		case "gone":
			s.Silent, s.Steady = replaceAfter, 0
		case "removed":
			s.Removed = true
		case "lead-removed":
			s.Leads, s.Removed = true, true
		default:
			t.Fatalf("%s: no such kind", word)
		}
		list = append(list, s)
	}
	return list
}

var words = map[Act]string{None: "", Promote: "promote", Demote: "demote", Remove: "remove", HandOver: "hand over"}

func TestNext(t *testing.T) {
	for _, c := range []struct{ servers, want string }{
		{"a:lead", ""},
		{"a:lead b:spare", ""}, // two stand fewer losses than one
		{"a:lead b:spare c:new", ""},
		{"a:lead b:spare c:spare", "promote b"},
		{"a:lead b:vote c:spare", "promote c"},
		{"a:lead b:vote c:new", "demote b"},
		{"a:lead b:vote", "demote b"},
		{"a:lead b:out", "demote b"}, // while a leads it can be decided without b
		{"a:lead b:vote c:vote", ""},
		{"a:lead b:vote c:vote d:spare", ""},
		{"a:lead b:vote c:vote d:vote", "demote d"},
		{"a:lead b:vote c:vote d:out", "demote d"},
		{"a:lead b:out c:vote d:vote", "demote b"},
		{"a:lead b:vote c:vote d:spare e:spare", "promote d"},
		{"a:lead b:vote c:vote d:vote e:vote f:spare g:spare", ""},
		{"a:lead b:vote c:out d:spare", ""}, // it may come back
		{"a:lead b:vote c:gone d:spare", "remove c"},
		{"a:lead b:vote c:gone d:new", ""},
		{"a:lead b:vote c:gone", ""}, // two would stand no more
		{"a:lead b:vote c:vote d:gone e:gone", "remove d"},
		{"a:lead b:vote c:vote d:vote e:gone", ""},
		{"a:lead b:vote c:removed", "remove c"},
		{"a:lead-removed b:vote c:vote", "hand over a"},
		{"a:lead-removed b:spare", "promote b"},
		{"a:lead-removed b:new", ""}, // nobody else can lead yet
		{"a:lead b:removed c:out", ""},
	} {
		step := Next(parse(t, c.servers), replaceAfter)
		if got := strings.TrimSpace(words[step.Act] + " " + string(step.Node)); got != c.want {
			t.Errorf("%s: %q, want %q", c.servers, got, c.want)
		}
		if step.Act != None && step.Why == "" {
			t.Errorf("%s: nobody is told why", c.servers)
		}
	}
}

func TestAPhantomGoes(t *testing.T) {
	list := parse(t, "a:lead b:vote c:out d:new")
	list[3].Address = list[2].Address
	if step := Next(list, replaceAfter); step.Act == Remove {
		t.Errorf("before it is known which of the two is there: %+v", step)
	}
	list[2].Silent, list[3].Steady = vanished, steady
	if step := Next(list, replaceAfter); step.Act != Remove || step.Node != "c" || !step.Phantom {
		t.Errorf("of a wiped disk: %+v", step)
	}
}

func TestLosses(t *testing.T) {
	for servers, want := range map[string]int{
		"a:lead": 0, "a:lead b:spare": 0, "a:lead b:vote c:vote": 1, "a:lead b:vote c:out": 0,
		"a:lead b:vote c:vote d:vote e:vote": 2, "a:lead b:vote c:vote d:vote": 1,
	} {
		if got := Losses(parse(t, servers)); got != want {
			t.Errorf("%s stands %d losses, want %d", servers, got, want)
		}
	}
}

// TestAGridIsNeverStopped walks from many groups step by step: a majority of the voters
// answers after each step, and there is an end.
func TestAGridIsNeverStopped(t *testing.T) {
	kinds := []string{"vote", "spare", "new", "out", "gone", "removed"}
	for n := range 6 * 6 * 6 * 6 * 6 {
		text := "a:lead"
		for i, k := 0, n; i < 5; i, k = i+1, k/6 {
			text += " " + string(rune('b'+i)) + ":" + kinds[k%6]
		}
		servers := parse(t, text)
		if !majority(servers) {
			continue // nobody leads
		}
		for steps := 0; ; steps++ {
			step := Next(servers, replaceAfter)
			if step.Act == None {
				break
			}
			if steps == 20 {
				t.Fatalf("%s: there is no end", text)
			}
			if servers = carryOut(servers, step); !majority(servers) {
				t.Fatalf("%s: %+v leaves no majority", text, step)
			}
		}
	}
}

func carryOut(servers []Server, step Step) (after []Server) {
	for _, s := range servers {
		switch {
		case s.Node != step.Node:
		case step.Act == Remove:
			continue
		case step.Act == Promote, step.Act == Demote:
			s.Votes = step.Act == Promote
		}
		after = append(after, s)
	}
	return after
}

func majority(servers []Server) bool {
	voters, there := 0, 0
	for _, s := range servers {
		if s.Votes {
			voters++
			if s.Silent == 0 {
				there++
			}
		}
	}
	return there > voters/2
}
