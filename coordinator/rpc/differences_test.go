package rpc

import (
	"bytes"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestCompare says in a line how two answers differ.
func TestCompare(t *testing.T) {
	t.Parallel()
	output := func(text string) answer {
		return answer{jobs.Vote{Output: blob.Of([]byte(text)).Ref(), Fuel: 10}, []byte(text)}
	}
	cut := func(a answer, n int) answer { a.output = a.output[:n]; return a }
	large := strings.Repeat("0123456789", 1000)
	for _, test := range []struct {
		name        string
		here, there answer
		want        string
	}{
		{"bytes", output("a long beginning, 1.50"), output("a long beginning, 1.51"), `byte 21: "ing, 1.50" here, "ing, 1.51" there`},
		{"the first byte", output("x"), output("\x1b[31m\xff"), `byte 0: "x" here, "\x1b[31m\xff" there`},
		{"a longer one", output("12\n34"), output("12\n"), `it goes on at byte 3, where the other ends: "12\n34"`},
		{"a shorter one", output(""), output("12"), `it ends at byte 0, where the other goes on: "12"`},
		{"fuel", output("12"), answer{jobs.Vote{Output: blob.Of([]byte("12")).Ref(), Fuel: 11}, nil}, "equal output, 10 fuel here and 11 there"},
		{"a failure", answer{jobs.Vote{Failed: true, ExitCode: 3}, nil}, output("12"), "exit code 3 here, 2 bytes of output there"},
		{"heads alike", cut(output(large+"a"), maxHead), cut(output(large+"b"), maxHead), "10001 bytes here, 10001 there; the first 4096 are alike"},
		{"heads that differ", cut(output("a"+large), maxHead), cut(output("b"+large), maxHead), `byte 0: "a0123456789012345678901234567890" here, "b0123456789012345678901234567890" there`},
		{"a small one that a large one begins with", output("0123456789"), cut(output(large), maxHead), `it ends at byte 10, where the other goes on: "2345678901234567890123456789012345678901"`},
		{"gone", output("12"), cut(output("13"), 0), "2 bytes here, 2 there, of which some are not here any more"},
	} {
		got := compare(test.here, test.there)
		if got.GetText() != test.want || len(got.GetHere()) > shownBefore+shownFrom || len(got.GetThere()) > shownBefore+shownFrom {
			t.Errorf("%s: %q, want %q", test.name, got.GetText(), test.want)
		}
		if got.At == nil && bytes.ContainsRune([]byte(got.GetText()), '"') {
			t.Errorf("%s: %v shows bytes and does not say where", test.name, got)
		}
	}
}

// TestDifferences are told to the owner of the job with the attempts that differ, small
// outputs by what is on the disk and large ones by what their workers say.
func TestDifferences(t *testing.T) {
	t.Parallel()
	g, address, ada, id := quarrel(t)
	big := func(lease uint64, first string) *anthillv1.AttemptReport {
		data := append([]byte(first), make([]byte, blob.MinPiece)...)
		m := success(lease, string(data))
		m.Data, m.Head, m.Log = nil, append(data[:maxHead:maxHead], "more than is asked for"...), nil
		return m
	}
	for i, w := range []jobs.OwnerID{"w3", "w4"} {
		worker, lease := g.admit(jobs.Worker, w), uint64(30+i)
		g.do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1 << 50, Grants: []jobs.Grant{{Lease: jobs.LeaseID(lease), Job: jobs.JobID(id), Place: 2, Worker: worker.Node()}}}})
		if _, err := anthillv1.NewWorkServiceClient(g.dial(worker, address)).Report(ctx(t), &anthillv1.ReportRequest{Reports: []*anthillv1.AttemptReport{big(lease, string(w))}}); err != nil {
			t.Fatal(err)
		}
	}
	stream, err := anthillv1.NewJobServiceClient(g.dial(ada, address)).StreamLogs(ctx(t), &anthillv1.StreamLogsRequest{JobId: id, Differing: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`w2 from w1: byte 5: "says 1" here, "says 0" there`,
		`w4 from w3: byte 1: "w4` + strings.Repeat(`\x00`, 31) + `" here, "w3` + strings.Repeat(`\x00`, 31) + `" there`,
	}
	for _, want := range want {
		log, err := stream.Recv()
		if err != nil {
			t.Fatal(want, err)
		}
		d := log.GetDifference()
		if got := log.GetOwner() + " from " + d.GetOwner() + ": " + d.GetText(); got != want || len(log.GetText()) > 0 {
			t.Errorf("got %s (and %q), want %s", got, log.GetText(), want)
		}
	}
	if log, err := stream.Recv(); err == nil {
		t.Errorf("and %v differs", log)
	}
}
