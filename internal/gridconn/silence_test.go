package gridconn

import (
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// TestIdleAndDeadConnectionsEnd: whether they answer pings or not.
func TestIdleAndDeadConnectionsEnd(t *testing.T) {
	defer func(before keepalive.ServerParameters) { hangUp = before }(hangUp)
	for name, test := range map[string]struct {
		hangUp  keepalive.ServerParameters
		answers bool
	}{
		"dead": {keepalive.ServerParameters{Time: time.Second, Timeout: 100 * time.Millisecond}, false},
		"idle": {keepalive.ServerParameters{MaxConnectionIdle: 100 * time.Millisecond}, true},
	} {
		t.Run(name, func(t *testing.T) {
			hangUp = test.hangUp
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			server := grpc.NewServer(ServerOptions()...)
			go server.Serve(l)
			defer server.Stop()
			conn, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			io.WriteString(conn, http2.ClientPreface)
			frames := http2.NewFramer(conn, conn)
			frames.WriteSettings()
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			for {
				f, err := frames.ReadFrame()
				if err != nil {
					if late, ok := err.(net.Error); ok && late.Timeout() {
						t.Error("it is still connected after ten seconds")
					}
					return
				}
				if ping, ok := f.(*http2.PingFrame); ok && test.answers && !ping.IsAck() {
					frames.WritePing(true, ping.Data)
				}
			}
		})
	}
}
