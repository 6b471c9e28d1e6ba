package rpc

import (
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// answer has a node answer on a port of this machine, until the test ends.
func (g *grid) answer(id *identity.Identity) string {
	g.Helper()
	l := g.listen()
	g.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := tls.NewListener(l, id.ServerTLS(identity.ProtoGRPC)).Accept()
			if err != nil {
				return
			}
			go func() {
				_ = conn.(*tls.Conn).Handshake() // the other side tells
				_ = conn.Close()
			}()
		}
	}()
	return l.Addr().String()
}

// Where a node is counts once a coordinator has found it there, with all coordinators and
// nowhere before.
func TestLookBack(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker, other, operator := g.admit(jobs.Worker, "w"), g.admit(jobs.Worker, "x"), g.admit(jobs.Operator, "ops")
	here, elsewhere := g.answer(worker), g.answer(other)
	_, port, _ := net.SplitHostPort(here)
	b := blob.Of([]byte("b")).ID()
	seenAt := func(listens string) string {
		t.Helper()
		if _, err := anthillv1.NewTrackerServiceClient(g.dial(worker, g.leader)).Announce(ctx(t), &anthillv1.AnnounceRequest{
			Address: listens, Blobs: []*anthillv1.Announcement{{Blob: b[:], Complete: true}},
		}); err != nil {
			t.Fatal(err)
		}
		return g.desk.lastIntroduced().Address
	}
	look := func(req *anthillv1.LookBackRequest) (answered []string) {
		t.Helper()
		resp, err := anthillv1.NewSessionServiceClient(g.dial(worker, g.follower)).LookBack(ctx(t), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range resp.GetLooks() {
			answered = append(answered, l.GetAnswered())
		}
		return answered
	}
	// It listens at a port that its router hides, and another is forwarded to it.
	if got := look(&anthillv1.LookBackRequest{Address: "192.168.1.5:1", Advertised: []string{elsewhere}}); !slices.Equal(got, []string{"", ""}) {
		t.Errorf("found at %q, where others are", got)
	}
	if at := seenAt("192.168.1.5:1"); at != "127.0.0.1:1" {
		t.Errorf("others are told to go to %s", at)
	}
	if got := look(&anthillv1.LookBackRequest{Address: "192.168.1.5:2", Advertised: []string{elsewhere, "localhost:" + port}}); !slices.Equal(got, []string{"", "", here}) {
		t.Errorf("found at %q, want only the last, %s", got, here)
	}
	until(t, "another coordinator tells where it was found", func() bool { return seenAt("192.168.1.5:2") == here })
	if at := seenAt("192.168.1.5:1"); at != "127.0.0.1:1" {
		t.Errorf("another process of it is said to be at %s", at)
	}
	if got := look(&anthillv1.LookBackRequest{Address: "192.168.1.5:" + port, Udp: anthillv1.UdpMapping_UDP_MAPPING_SAME}); !slices.Equal(got, []string{here}) {
		t.Errorf("found at %q, want %s", got, here)
	}
	until(t, "another coordinator lists what was found last", func() bool {
		nodes, err := anthillv1.NewNodeServiceClient(g.dial(operator, g.follower)).ListNodes(ctx(t), &anthillv1.ListNodesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(nodes.GetNodes(), func(n *anthillv1.Node) bool { return n.GetId() == string(worker.Node()) })
		w := nodes.GetNodes()[i].GetWhereabouts()
		return slices.Equal(w.GetDialable(), []string{here}) && w.GetUdp() == anthillv1.UdpMapping_UDP_MAPPING_SAME
	})
	_, err := anthillv1.NewSessionServiceClient(g.dial(worker, g.leader)).LookBack(ctx(t), &anthillv1.LookBackRequest{Advertised: make([]string, 6)})
	expect(t, "too many addresses", err, codes.InvalidArgument, "INVALID_FIELD")
}

func TestWhereaboutsAreForgotten(t *testing.T) {
	var w whereabouts
	now := time.Unix(1e9, 0)
	for i := range 100 {
		w.note(&anthillv1.Whereabouts{NodeId: fmt.Sprint(i), Listens: ":7000", Dialable: []string{"192.0.2.1:1"}}, now)
	}
	if len(w.dialable("7", "10.0.0.1:7000", now)) != 1 || w.of("7", now) == nil || len(w.all("7", now)) != 1 {
		t.Error("it is not known")
	}
	now = now.Add(whereaboutsLife)
	if len(w.dialable("7", "10.0.0.1:7000", now)) != 0 || w.of("7", now) != nil || len(w.all("7", now)) != 0 {
		t.Error("it counts for ever")
	}
	if w.note(&anthillv1.Whereabouts{NodeId: "n", Listens: ":1"}, now); len(w.nodes) != 1 {
		t.Errorf("%d nodes are remembered, want the one that was just seen", len(w.nodes))
	}
}
