package throttle

import (
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// called is authentication for tests: the first byte is the name.
type called struct {
	credentials.TransportCredentials
}

type name byte

func (name) AuthType() string { return "called" }

func (c called) Clone() credentials.TransportCredentials { return c }

func (c called) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	b := make([]byte, 1)
	if _, err := io.ReadFull(raw, b); err != nil || b[0] == '?' {
		return nil, nil, errors.Join(errors.New("a stranger"), err, raw.Close())
	}
	return raw, name(b[0]), nil
}

// oneRoom has a place for one, and takes c for a coordinator.
func oneRoom() credentials.TransportCredentials { return roomFor(1) }

func roomFor(peers int) credentials.TransportCredentials {
	return New(Limits{Peers: peers}, nil).Credentials(called{insecure.NewCredentials()}, func(info credentials.AuthInfo) (string, bool) {
		return string(info.(name)), info == name('c')
	})
}

// knock is a new connection whose first byte is who; 0 says nothing.
func knock(creds credentials.TransportCredentials, who byte) (served, client net.Conn, err error) {
	served, client = net.Pipe()
	if who != 0 {
		go func() { _, _ = client.Write([]byte{who}) }()
	}
	c, _, err := creds.ServerHandshake(served)
	return c, client, err
}

// closed tells whether the other end has hung up.
func closed(client net.Conn) bool {
	_ = client.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := client.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

func TestOnlyPeersThatProveWhoTheyAreTakePlaces(t *testing.T) {
	creds := oneRoom()
	for _, c := range []struct {
		who byte
		in  bool
	}{{'?', false}, {'c', true}, {'w', true}, {'c', true}, {'w', false}, {'c', true}} {
		_, client, err := knock(creds, c.who)
		if (err == nil) != c.in || closed(client) == c.in {
			t.Errorf("%c: %v, want in: %v", c.who, err, c.in)
		}
	}
}

func TestPlaceOfOneThatIsGoneIsGivenAway(t *testing.T) {
	creds := oneRoom()
	for range 3 {
		c, _, err := knock(creds.Clone(), 'w')
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := knock(creds, 'w'); !errors.Is(err, errNoPlace) {
			t.Errorf("the second is let in: %v", err)
		}
		_ = c.Close()
		_ = c.Close() // does not give the place away twice
	}
}

func TestNobodyTakesAllPlaces(t *testing.T) {
	creds := roomFor(12)
	var first net.Conn
	for k := range 5 {
		c, _, err := knock(creds, 'm')
		if (err == nil) != (k < 3) {
			t.Errorf("connection %d of one peer: %v", k, err)
		}
		if k == 0 {
			first = c
		}
	}
	if _, _, err := knock(creds, 'w'); err != nil {
		t.Errorf("another peer: %v", err)
	}
	_ = first.Close()
	if _, _, err := knock(creds, 'm'); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
}

func TestSilentStrangersAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		creds, began := oneRoom(), time.Now()
		ended := make(chan time.Duration, maxGreeting+1)
		for range maxGreeting + 1 {
			time.Sleep(time.Millisecond)
			go func() {
				_, _, _ = knock(creds, 0)
				ended <- time.Since(began)
			}()
		}
		if at := <-ended; at > time.Second {
			t.Errorf("the oldest of %d is cut off after %v, want at once", maxGreeting+1, at)
		}
		if _, _, err := knock(creds, 'w'); err != nil {
			t.Errorf("they keep a peer out: %v", err)
		}
		<-ended // the one that made room for it
		for range maxGreeting - 1 {
			if at := <-ended; at < greetTime || at > greetTime+time.Second {
				t.Errorf("one is cut off after %v", at)
			}
		}
	})
}

// A peer that hangs up, however early, leaves its place, whatever gRPC was doing.
func TestWhoHangsUpLeavesItsPlace(t *testing.T) {
	line := New(Limits{Peers: 2}, nil)
	creds := line.Credentials(called{insecure.NewCredentials()}, func(credentials.AuthInfo) (string, bool) { return "m", false })
	server := grpc.NewServer(grpc.Creds(creds))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	for k := range 200 {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte{'m'})
		if k%2 == 0 {
			time.Sleep(time.Millisecond)
		}
		_ = c.(*net.TCPConn).SetLinger(0) // resets the connection
		_ = c.Close()
	}
	d := creds.(*door)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		d.places.mu.Lock()
		free, greeting := d.places.free, len(d.places.greeting)
		d.places.mu.Unlock()
		if free == 2 && greeting == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d places are free, %d greet", free, greeting)
		}
	}
}
