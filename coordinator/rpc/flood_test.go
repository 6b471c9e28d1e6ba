package rpc

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// mostMemory is what one connection may make a coordinator hold.
const mostMemory = 8 << 20

// attacker speaks HTTP/2 as no gRPC client would.
type attacker struct {
	net.Conn
	frames *http2.Framer
	head   bytes.Buffer
	pack   *hpack.Encoder
}

// attack connects as a node, or as a stranger without a certificate.
func (g *grid) attack(id *identity.Identity) *attacker {
	g.Helper()
	config := (*tls.Config)(nil)
	if id != nil {
		config = id.ClientTLS(nil, identity.ProtoGRPC)
	} else {
		key, err := identity.NewKey()
		if err != nil {
			g.Fatal(err)
		}
		if config, err = identity.EnrolTLS(key, [][32]byte{g.authority.Fingerprint()}, identity.ProtoGRPC); err != nil {
			g.Fatal(err)
		}
	}
	conn, err := tls.Dial("tcp", g.leader, config)
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { conn.Close() })
	a := &attacker{Conn: conn, frames: http2.NewFramer(conn, conn)}
	a.pack = hpack.NewEncoder(&a.head)
	io.WriteString(conn, http2.ClientPreface)
	a.frames.WriteSettings()
	return a
}

// call begins a call that it does not end, with so many copies of a header.
func (a *attacker) call(stream uint32, method string, headers int) error {
	a.head.Reset()
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":path", method}, {":authority", "x"}, {"content-type", "application/grpc"}, {"te", "trailers"}} {
		a.pack.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
	}
	for range headers {
		a.pack.WriteField(hpack.HeaderField{Name: "x-bin", Value: string(bytes.Repeat([]byte("A"), 2000))})
	}
	return a.headers(stream)
}

func (a *attacker) headers(stream uint32) error {
	rest := a.head.Bytes()
	next := func() (part []byte) {
		part, rest = rest[:min(16<<10, len(rest))], rest[min(16<<10, len(rest)):]
		return part
	}
	err := a.frames.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: next(), EndHeaders: len(rest) == 0})
	for len(rest) > 0 && err == nil {
		err = a.frames.WriteContinuation(stream, len(rest) <= 16<<10, next())
	}
	return err
}

// grown is by how many bytes the heap grew while f ran.
func grown(f func()) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	f()
	runtime.GC()
	runtime.ReadMemStats(&after)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// drain reads until the other side hangs up, for at most some time, and says whether
// it did.
func drain(c net.Conn, patience time.Duration) bool {
	c.SetReadDeadline(time.Now().Add(patience))
	_, err := io.Copy(io.Discard, c)
	var late net.Error
	return !errors.As(err, &late) || !late.Timeout()
}

const submitMethod = "/anthill.v1.JobService/SubmitJob"

// TestHeadersThatUnpackToMuchAreNotHeld: HPACK's index makes a byte stand for 2,000.
func TestHeadersThatUnpackToMuchAreNotHeld(t *testing.T) {
	g := start(t)
	for name, id := range map[string]*identity.Identity{"a stranger": nil, "a submitter": g.admit(jobs.Submitter, "eve")} {
		a := g.attack(id)
		if n := grown(func() {
			for i := range 40 {
				if a.call(uint32(2*i+1), submitMethod, 4000) != nil {
					break // it hung up
				}
			}
			time.Sleep(200 * time.Millisecond)
		}); n > mostMemory {
			t.Errorf("%s: the coordinator holds %d MiB", name, n>>20)
		}
	}
}

// TestMessagesOfCallersWithoutTheRightAreNotRead: nor held until they are whole.
func TestMessagesOfCallersWithoutTheRightAreNotRead(t *testing.T) {
	g := start(t)
	for name, id := range map[string]*identity.Identity{"a stranger": nil, "a worker": g.admit(jobs.Worker, "w")} {
		a := g.attack(id)
		go io.Copy(io.Discard, a) // or the answers would stop it
		part := append([]byte{0, 1, 0, 0, 0}, make([]byte, 16<<10-5)...)
		if n := grown(func() {
			for i := range 40 {
				stream := uint32(2*i + 1)
				err := a.call(stream, submitMethod, 0)
				for range 60 { // a megabyte of sixteen that were announced
					err = errors.Join(err, a.frames.WriteData(stream, false, part))
				}
				if err != nil {
					break
				}
			}
			time.Sleep(200 * time.Millisecond)
		}); n > mostMemory {
			t.Errorf("%s: the coordinator holds %d MiB", name, n>>20)
		}
	}
}

// TestRefusedBeforeTheMessage: the answer comes without any of it having been sent.
func TestRefusedBeforeTheMessage(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker := g.dial(g.admit(jobs.Worker, "w"), g.leader)
	for _, method := range []string{submitMethod, anthillv1.JobService_WatchJob_FullMethodName, "/anthill.v1.NoService/Nothing"} {
		stream, err := worker.NewStream(ctx(t), &grpc.StreamDesc{ClientStreams: true}, method)
		if err == nil {
			err = stream.RecvMsg(&anthillv1.SubmitJobResponse{})
		}
		expect(t, method, err, codes.PermissionDenied, "WRONG_ROLE")
	}
}

// TestStrangersHaveNoTime: however slowly they go about it.
func TestStrangersHaveNoTime(t *testing.T) {
	t.Parallel()
	g := start(t)
	began := time.Now()
	if !drain(g.attack(nil), 3*strangerTime) {
		t.Errorf("a stranger that says nothing is still connected after %v", time.Since(began))
	}
}

// TestStrangersAreFew: those that are one too many find the door shut, and who has a
// token gets in when they are gone.
func TestStrangersAreFew(t *testing.T) {
	t.Parallel()
	g := start(t)
	shut := 0
	for range 2 * maxStrangersAt {
		if drain(g.attack(nil), 100*time.Millisecond) {
			shut++
		}
	}
	if shut < maxStrangersAt/2 { // a busy machine is slow to hang up
		t.Errorf("%d of %d were hung up on", shut, 2*maxStrangersAt)
	}
	if _, err := anthillv1.NewNodeServiceClient(g.dial(g.admit(jobs.Operator, "op"), g.leader)).ListNodes(ctx(t), &anthillv1.ListNodesRequest{}); err != nil {
		t.Errorf("members meanwhile: %v", err)
	}
}

// TestOneNodeHasSoManyCallsAtATime: more of them wait for nothing.
func TestOneNodeHasSoManyCallsAtATime(t *testing.T) {
	t.Parallel()
	g := start(t)
	submitter := g.dial(g.admit(jobs.Submitter, "eve"), g.leader)
	patience, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	open := func() error {
		stream, err := submitter.NewStream(patience, &grpc.StreamDesc{ClientStreams: true}, submitMethod)
		if err != nil {
			return err
		}
		answered := make(chan error, 1)
		go func() { answered <- stream.RecvMsg(&anthillv1.SubmitJobResponse{}) }()
		select {
		case err := <-answered:
			return err
		case <-time.After(20 * time.Millisecond):
			return nil
		}
	}
	for i := range maxInFlight {
		if err := open(); err != nil {
			t.Fatalf("call %d: %v", i+1, err)
		}
	}
	expect(t, "one call too many", open(), codes.ResourceExhausted, "TOO_MANY_CALLS")
	other := g.dial(g.admit(jobs.Submitter, "alice"), g.leader)
	if _, err := anthillv1.NewJobServiceClient(other).ListJobs(ctx(t), &anthillv1.ListJobsRequest{}); err != nil {
		t.Errorf("another submitter meanwhile: %v", err)
	}
	cancel()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		_, err := anthillv1.NewJobServiceClient(submitter).ListJobs(ctx(t), &anthillv1.ListJobsRequest{})
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after all were cancelled: %v", err)
		}
	}
}

func TestEnrolmentTakesOneSmallMessage(t *testing.T) {
	t.Parallel()
	g := start(t)
	a := g.attack(nil)
	if err := a.call(1, anthillv1.EnrolmentService_Enrol_FullMethodName, 0); err != nil {
		t.Fatal(err)
	}
	a.frames.WriteData(1, true, append([]byte{0, 0, 1, 0, 0}, make([]byte, 1<<16)...)[:16<<10])
	a.SetReadDeadline(time.Now().Add(5 * time.Second))
	a.frames.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		f, err := a.frames.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		if h, ok := f.(*http2.MetaHeadersFrame); ok {
			for _, field := range h.Fields {
				if field.Name == "grpc-status" && field.Value == fmt.Sprint(int(codes.ResourceExhausted)) {
					return
				}
			}
			if h.StreamEnded() {
				t.Fatalf("answered %v", h.Fields)
			}
		}
	}
}

// TestOneNodeHasSoManyConnections: more are hung up on, and others get in meanwhile.
func TestOneNodeHasSoManyConnections(t *testing.T) {
	t.Parallel()
	g := start(t)
	eve := g.admit(jobs.Submitter, "eve")
	shut := 0
	for range maxConnections + 20 {
		if drain(g.attack(eve), 50*time.Millisecond) {
			shut++
		}
	}
	if shut < 10 { // a busy machine is slow to hang up
		t.Errorf("%d of 20 too many were hung up on", shut)
	}
	other := g.dial(g.admit(jobs.Submitter, "alice"), g.leader)
	if _, err := anthillv1.NewJobServiceClient(other).ListJobs(ctx(t), &anthillv1.ListJobsRequest{}); err != nil {
		t.Errorf("another submitter meanwhile: %v", err)
	}
}

// begin begins a message of a call that it does not end, and says whether it was hung up on.
func (a *attacker) begin(stream uint32, method string, announced, sent int) error {
	part := make([]byte, 16<<10)
	err := a.call(stream, method, 0)
	binary.BigEndian.PutUint32(part[1:], uint32(announced))
	for ; sent > 0 && err == nil; sent -= len(part) {
		a.SetWriteDeadline(time.Now().Add(2 * time.Second))
		err = a.frames.WriteData(stream, false, part)
		clear(part)
	}
	return err
}

// TestUnfinishedMessagesAreFew: a node that begins many is hung up on, and others are
// served meanwhile.
func TestUnfinishedMessagesAreFew(t *testing.T) {
	g := start(t)
	a := g.attack(g.admit(jobs.Submitter, "eve"))
	go io.Copy(io.Discard, a) // or the answers would stop it
	if n := grown(func() {
		for i := range 40 {
			if a.begin(uint32(2*i+1), submitMethod, 6<<20, 4<<20) != nil {
				break
			}
		}
		time.Sleep(200 * time.Millisecond)
	}); n > maxBurden+mostMemory {
		t.Errorf("the coordinator holds %d MiB", n>>20)
	}
	other := g.dial(g.admit(jobs.Submitter, "alice"), g.leader)
	if _, err := anthillv1.NewJobServiceClient(other).ListJobs(ctx(t), &anthillv1.ListJobsRequest{}); err != nil {
		t.Errorf("another submitter meanwhile: %v", err)
	}
}

// TestTheBiggestIsHungUpOn: when many nodes together send too much that they do not end.
func TestTheBiggestIsHungUpOn(t *testing.T) {
	g := start(t)
	const each = 7 << 20
	small := g.attack(g.admit(jobs.Submitter, "alice"))
	if err := small.begin(1, submitMethod, 1<<20, 1<<19); err != nil {
		t.Fatal(err)
	}
	shut := make(chan bool)
	if n := grown(func() {
		for i := range 8 {
			a := g.attack(g.admit(jobs.Submitter, jobs.OwnerID(fmt.Sprintf("eve%d", i))))
			go func() { shut <- drain(a, 3*time.Second) }()
			if err := a.begin(1, submitMethod, 8<<20, each); err != nil {
				t.Logf("node %d: %v", i, err)
			}
		}
		time.Sleep(200 * time.Millisecond)
	}); n > maxBurdenInAll+mostMemory {
		t.Errorf("the coordinator holds %d MiB", n>>20)
	}
	cut := 0
	for range 8 {
		if <-shut {
			cut++
		}
	}
	if want := 8 - maxBurdenInAll/each; cut < want {
		t.Errorf("%d were hung up on, not %d", cut, want)
	}
	if drain(small, 100*time.Millisecond) {
		t.Error("one that sent little was hung up on")
	}
}

// TestCallsUnderWayHoldSoMuch: also when their messages are whole, and they wait.
func TestCallsUnderWayHoldSoMuch(t *testing.T) {
	t.Parallel()
	var b burden
	c := &enteredConn{}
	of := b.join("n", c)
	letGo, ok := b.keep(of, maxBurden-1)
	if !ok {
		t.Fatal("a first message is refused")
	}
	if _, ok := b.keep(of, 2); ok || b.arrive(of, c, 2) {
		t.Error("more than a node may have is taken")
	}
	letGo()
	if !b.arrive(of, c, 2) || b.all != 2 {
		t.Errorf("after the call: %d bytes", b.all)
	}
	b.leave("n", of, c)
	if b.all != 0 || len(b.nodes) != 0 {
		t.Errorf("after the connection: %d bytes of %d nodes", b.all, len(b.nodes))
	}
}

// TestAnAddressHasSoManyConnections: and when there are many in all, each node has one.
func TestAnAddressHasSoManyConnections(t *testing.T) {
	t.Parallel()
	e := newDoorway(nil, nil).entered
	for i := range maxFromAddress {
		if !e.enter(jobs.NodeID(fmt.Sprint("n", i)), "192.0.2.1") {
			t.Fatalf("connection %d of an address is refused", i+1)
		}
	}
	if e.enter("late", "192.0.2.1") {
		t.Error("an address has one too many")
	}
	if !e.enter("late", "192.0.2.2") {
		t.Error("another address has none")
	}
	for i := 0; e.all < crowded; i++ {
		if !e.enter(jobs.NodeID(fmt.Sprint("m", i)), "") {
			t.Fatalf("connection %d of this machine is refused", i+1)
		}
	}
	if e.enter("late", "192.0.2.2") {
		t.Error("a node has a second one in a crowd")
	}
	if !e.enter("new", "192.0.2.3") {
		t.Error("a node has none in a crowd")
	}
	for i := range maxFromAddress {
		e.leave(jobs.NodeID(fmt.Sprint("n", i)), "192.0.2.1")
	}
	if !e.enter("late", "192.0.2.1") || len(e.hosts) != 4 {
		t.Errorf("when they have gone: %d hosts", len(e.hosts))
	}
}

func TestThisMachineIsNoAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{"127.0.0.2:7": "", "[::1]:7": "", "192.0.2.1:7": "192.0.2.1", "[::ffff:192.0.2.1]:7": "192.0.2.1"} {
		if got := hostOf(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))); got != want {
			t.Errorf("%s is counted as %q, not %q", address, got, want)
		}
	}
}
