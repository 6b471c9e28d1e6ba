package identity

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// serve answers "ok" on loopback to whoever passes the handshake, and tells how
// each handshake ended.
func serve(t *testing.T, config *tls.Config) (address string, handshakes <-chan error) {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	results := make(chan error, 16)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			results <- conn.(*tls.Conn).Handshake()
			conn.Write([]byte("ok"))
			conn.Close()
		}
	}()
	return listener.Addr().String(), results
}

// call reads the server's answer: in TLS 1.3 a client learns only then that it
// was refused.
func call(address string, config *tls.Config) (tls.ConnectionState, error) {
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", address, config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, err = io.ReadAll(conn)
	return conn.ConnectionState(), err
}

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("error %v: want one with %q", err, part)
	}
}

func TestServerKnowsMembersByCertificate(t *testing.T) {
	a := newAuthority(t)
	server := enrol(t, a, jobs.Worker)
	for _, role := range []jobs.Role{jobs.Coordinator, jobs.Worker, jobs.Submitter, jobs.Operator} {
		client := enrol(t, a, role)
		peers := make(chan Peer, 1)
		config := server.ServerTLS(ProtoGRPC)
		verify := config.VerifyConnection
		config.VerifyConnection = func(state tls.ConnectionState) error {
			peer, err := PeerFrom(state)
			if err != nil {
				t.Error(err)
			}
			peers <- peer
			return verify(state)
		}
		address, _ := serve(t, config)
		state, err := call(address, client.ClientTLS(WantNode(server.Node()), ProtoGRPC))
		if err != nil {
			t.Fatalf("%s: %v", role, err)
		}
		if got := <-peers; got != client.Peer() {
			t.Errorf("server sees %v, want %v", got, client.Peer())
		}
		if got, err := PeerFrom(state); err != nil || got != server.Peer() {
			t.Errorf("client sees %v (%v), want %v", got, err, server.Peer())
		}
	}
}

func TestServerRefusesClients(t *testing.T) {
	a := newAuthority(t)
	coordinator, worker := enrol(t, a, jobs.Coordinator), enrol(t, a, jobs.Worker)
	key := newKey(t)
	other := enrol(t, newAuthority(t), jobs.Coordinator)

	bare := worker.ClientTLS(nil)
	bare.GetClientCertificate = nil
	old := worker.ClientTLS(nil)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	shown := func(id *Identity) *tls.Config {
		config := worker.ClientTLS(nil)
		config.GetClientCertificate = id.ClientTLS(nil).GetClientCertificate
		return config
	}
	uris := func(names ...string) func(*x509.Certificate) {
		return func(c *x509.Certificate) {
			c.URIs = nil
			for _, s := range names {
				u, err := url.Parse(s)
				if err != nil {
					t.Fatal(err)
				}
				c.URIs = append(c.URIs, u)
			}
		}
	}
	right := name(a.Grid(), Peer{key.Node(), jobs.Worker}).String()

	byNode := forge(t, &Authority{worker.Key.private, worker.Leaf()}, key, uris(right))
	with(byNode, a.Certificate(), byNode.Leaf())

	for _, test := range []struct {
		name   string
		config *tls.Config
		want   string
	}{
		{"no certificate", bare, "didn't provide a certificate"},
		{"another grid's certificate", shown(other), "unknown authority"},
		{"TLS 1.2", old, "versions"},
		{"expired", shown(forge(t, a, key, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })), "expired"},
		{"name of another key", shown(forge(t, a, key, uris("spiffe://"+a.Grid()+"/worker/"+string(worker.Node())))), "its key is that of node " + string(key.Node())},
		{"name of another grid", shown(forge(t, a, key, uris("spiffe://0123456789abcdef/worker/"+string(key.Node())))), "want " + right},
		{"no name", shown(forge(t, a, key, uris())), "want one spiffe:// name"},
		{"two names", shown(forge(t, a, key, uris(right, right))), "want one spiffe:// name"},
		{"web name", shown(forge(t, a, key, uris("https://"+a.Grid()+"/worker/"+string(key.Node())))), "want one spiffe:// name"},
		{"unknown role", shown(forge(t, a, key, uris("spiffe://"+a.Grid()+"/king/"+string(key.Node())))), `role "king"`},
		{"stranger's role", shown(forge(t, a, key, uris("spiffe://"+a.Grid()+"/stranger/"+string(key.Node())))), `role "stranger"`},
		{"short path", shown(forge(t, a, key, uris("spiffe://"+a.Grid()+"/worker"))), "want spiffe://GRID/ROLE/NODE"},
		{"query in name", shown(forge(t, a, key, uris(right+"?x=1"))), "want " + right},
		{"the CA as a node", shown(with(&Identity{Key: Key{a.private}}, a.certificate, a.certificate)), "want one spiffe:// name"},
		{"signed by a node", shown(byNode), "certificate signed by unknown authority"},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, handshakes := serve(t, coordinator.ServerTLS())
			if _, err := call(address, test.config); err == nil {
				t.Error("the client was served")
			}
			wantError(t, <-handshakes, test.want)
		})
	}
}

func TestSelfSignedIsStranger(t *testing.T) {
	a := newAuthority(t)
	coordinator, worker := enrol(t, a, jobs.Coordinator), enrol(t, a, jobs.Worker)
	key := newKey(t)
	config, err := EnrolTLS(key, [][32]byte{a.Fingerprint()}, ProtoGRPC)
	if err != nil {
		t.Fatal(err)
	}
	address, handshakes := serve(t, coordinator.ServerTLS(ProtoGRPC))
	state, err := call(address, config)
	if err != nil || <-handshakes != nil {
		t.Fatalf("enrolling node was refused: %v", err)
	}
	ca, err := CAFrom(state, a.Fingerprint())
	if err != nil || !ca.Equal(a.Certificate()) {
		t.Errorf("CA %v, %v: want the grid's", ca, err)
	}
	peer, err := PeerFrom(tls.ConnectionState{PeerCertificates: []*x509.Certificate{mustSelfSign(t, key)}})
	if want := (Peer{key.Node(), jobs.Stranger}); err != nil || peer != want {
		t.Errorf("peer %v, %v: want %v", peer, err, want)
	}

	t.Run("only coordinators talk to it", func(t *testing.T) {
		config.InsecureSkipVerify, config.VerifyConnection = true, nil
		address, handshakes := serve(t, worker.ServerTLS(ProtoGRPC))
		if _, err := call(address, config); err == nil {
			t.Error("a worker served a stranger")
		}
		wantError(t, <-handshakes, "is not from grid "+a.Grid())
	})
}

func TestClientRefusesServers(t *testing.T) {
	a, b := newAuthority(t), newAuthority(t)
	client := enrol(t, a, jobs.Worker)
	coordinator, worker := enrol(t, a, jobs.Coordinator), enrol(t, a, jobs.Worker)
	key := newKey(t)
	expired := forge(t, a, newKey(t), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	selfSigned := with(&Identity{Key: key, Grid: worker.Grid, Role: worker.Role}, worker.Newest(), mustSelfSign(t, key))
	enrolTLS := func(fingerprint [32]byte) *tls.Config {
		config, err := EnrolTLS(newKey(t), [][32]byte{fingerprint})
		if err != nil {
			t.Fatal(err)
		}
		return config
	}
	// It shows the right CA, but its certificate is another's.
	twoFaced := enrol(t, b, jobs.Coordinator)
	with(twoFaced, a.Certificate(), twoFaced.Leaf())

	for _, test := range []struct {
		name   string
		server *Identity
		config *tls.Config
		want   string
	}{
		{"worker for coordinator", worker, client.ClientTLS(WantRole(jobs.Coordinator)), "is a worker: want a coordinator"},
		{"another node", worker, client.ClientTLS(WantNode(coordinator.Node())), "in the place of node " + string(coordinator.Node())},
		{"another grid", enrol(t, b, jobs.Coordinator), client.ClientTLS(nil), "unknown authority"},
		{"expired", expired, client.ClientTLS(nil), "expired"},
		{"self-signed", selfSigned, client.ClientTLS(nil), "is not from grid " + a.Grid()},
		{"enrolment, wrong CA", coordinator, enrolTLS(b.Fingerprint()), "its authority is another"},
		{"enrolment, CA of another", twoFaced, enrolTLS(a.Fingerprint()), "unknown authority"},
		{"enrolment at a worker", worker, enrolTLS(a.Fingerprint()), "is a worker: want a coordinator"},
	} {
		t.Run(test.name, func(t *testing.T) {
			address, _ := serve(t, test.server.ServerTLS())
			_, err := call(address, test.config)
			wantError(t, err, test.want)
		})
	}
}

func TestOrdinaryClientVerifiesCoordinator(t *testing.T) {
	a := newAuthority(t)
	coordinator := enrol(t, a, jobs.Coordinator, "grid.example.org", "192.0.2.7", "127.0.0.1", "0.0.0.0")
	submitter := enrol(t, a, jobs.Submitter)
	address, _ := serve(t, coordinator.ServerTLS(ProtoGRPC))
	roots := x509.NewCertPool()
	roots.AddCert(a.Certificate())
	for host, want := range map[string]string{
		"127.0.0.1": "", "localhost": "", "::1": "", "grid.example.org": "", "192.0.2.7": "",
		"evil.example.org": "not evil.example.org",
		"0.0.0.0":          "not 0.0.0.0",
	} {
		_, err := call(address, &tls.Config{
			RootCAs:    roots,
			ServerName: host,
			NextProtos: []string{ProtoGRPC},
			Certificates: []tls.Certificate{{
				Certificate: [][]byte{submitter.Leaf().Raw},
				PrivateKey:  submitter.Key.private,
			}},
		})
		if want == "" && err != nil {
			t.Errorf("%s: %v", host, err)
		}
		if want != "" {
			wantError(t, err, want)
		}
	}
}
