package portmap

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// home1 is where the answers in these tests are for.
var home1 = home{router: netip.MustParseAddr("127.0.0.1"), local: netip.MustParseAddrPort("127.0.0.1:7000")}

// pcpAnswerTo is what a router answers that gives what is asked for at another port.
func pcpAnswerTo(request []byte, code byte) []byte {
	b := append([]byte(nil), request...)
	b[1] |= pcpAnswer
	b[3] = code
	binary.BigEndian.PutUint16(b[pcpHead+18:], 4711)
	ip := netip.MustParseAddr("::ffff:203.0.113.9").As16()
	copy(b[pcpHead+20:], ip[:])
	return b
}

func TestPCPBelievesWhatAnswersItsQuestion(t *testing.T) {
	p := newPCP(home1)
	request := p.request(time.Hour)
	if len(request) != pcpSize {
		t.Fatalf("a request of %d bytes", len(request))
	}
	got, err := p.answer(pcpAnswerTo(request, 0))
	if want := netip.MustParseAddrPort("203.0.113.9:4711"); err != nil || got.external != want || got.life != time.Hour {
		t.Errorf("got %v, %v", got, err)
	}
	for name, change := range map[string]func(b []byte) []byte{
		"a request":       func(b []byte) []byte { return request },
		"another nonce":   func(b []byte) []byte { b[pcpHead]++; return b },
		"UDP":             func(b []byte) []byte { b[pcpHead+12] = 17; return b },
		"another port":    func(b []byte) []byte { b[pcpHead+17]++; return b },
		"short":           func(b []byte) []byte { return b[:pcpSize-1] },
		"nothing":         func([]byte) []byte { return nil },
		"another version": func(b []byte) []byte { b[0] = 0; return b },
		"refused":         func(b []byte) []byte { b[3] = 2; return b },
	} {
		if got, err := p.answer(change(pcpAnswerTo(request, 0))); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func FuzzPCPAnswer(f *testing.F) {
	p := &pcp{home: home1}
	f.Add(pcpAnswerTo(p.request(time.Hour), 0))
	f.Add([]byte{0, 0x81, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := p.answer(b); err == nil && (len(b) < pcpSize || [12]byte(b[pcpHead:]) != p.nonce) {
			t.Errorf("believed: %v", got)
		}
	})
}

// A port that a router gives for ever, or for a second, is renewed at a sane time.
func TestLivesAreBounded(t *testing.T) {
	for said, want := range map[time.Duration]time.Duration{0: leastLife, time.Hour: time.Hour, 100 * 365 * 24 * time.Hour: mostLife} {
		p := &Port{ask: fixed(said)}
		if err := p.open(t.Context()); err != nil || p.Life() != want {
			t.Errorf("%v becomes %v (%v)", said, p.Life(), err)
		}
	}
}

// igd is a router that speaks UPnP on this machine.
type igd struct {
	*httptest.Server
	answers map[string]string // by the action
	asked   []string
}

const description = `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0">%s<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType><controlURL>%s</controlURL></service></serviceList></device></root>`

func newIGD(t *testing.T, base, control string) *igd {
	g := &igd{answers: map[string]string{"GetExternalIPAddress": `<NewExternalIPAddress>203.0.113.9</NewExternalIPAddress>`, "AddPortMapping": "", "DeletePortMapping": ""}}
	mux := http.NewServeMux()
	mux.HandleFunc("/desc", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, description, base, control) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/desc", http.StatusFound) })
	mux.HandleFunc("/long", func(w http.ResponseWriter, r *http.Request) {
		for range 100 {
			if _, err := w.Write([]byte(strings.Repeat("<a>", 4<<10))); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/control", func(w http.ResponseWriter, r *http.Request) {
		_, action, _ := strings.Cut(strings.Trim(r.Header.Get("SOAPACTION"), `"`), "#")
		g.asked = append(g.asked, action)
		answer, ok := g.answers[action]
		if code := strings.TrimPrefix(answer, "error "); !ok || code != answer {
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode><detail><UPnPError><errorCode>%s</errorCode></UPnPError></detail></s:Fault></s:Body></s:Envelope>`, code)
			return
		}
		fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><u:%sResponse xmlns:u="urn:schemas-upnp-org:service:WANIPConnection:1">%s</u:%sResponse></s:Body></s:Envelope>`, action, answer, action)
	})
	g.Server = httptest.NewServer(mux)
	t.Cleanup(g.Close)
	return g
}

func (g *igd) open(t *testing.T, path string) (lease, error) {
	t.Helper()
	at, err := url.Parse(g.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	u := &upnp{home: home1}
	if u.service, err = u.serviceAt(t.Context(), at); err != nil {
		return lease{}, err
	}
	l, err := u.open(t.Context())
	if err == nil {
		err = u.close(t.Context())
	}
	return l, err
}

func TestUPnP(t *testing.T) {
	g := newIGD(t, "", "/control")
	got, err := g.open(t, "/desc")
	if want := netip.MustParseAddrPort("203.0.113.9:7000"); err != nil || got.external != want || got.life != askedLife {
		t.Errorf("got %v, %v", got, err)
	}
	if asked := strings.Join(g.asked, " "); asked != "AddPortMapping GetExternalIPAddress DeletePortMapping" {
		t.Errorf("it was asked for %s", asked)
	}
	g.answers["AddPortMapping"], g.asked = "error 718", nil
	if got, err := g.open(t, "/desc"); err == nil || len(g.asked) != mapTries {
		t.Errorf("others have the ports: got %v, %v after %v", got, err, g.asked)
	}
}

// Whatever a router says, nobody but the router is spoken to, and so much of it is read.
func TestUPnPGoesNowhereElse(t *testing.T) {
	knocked := make(chan string, 8)
	elsewhere, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("one address only: ", err)
	}
	defer elsewhere.Close()
	go func() {
		for {
			c, err := elsewhere.Accept()
			if err != nil {
				return
			}
			knocked <- c.RemoteAddr().String()
			c.Close()
		}
	}()
	other := "http://" + elsewhere.Addr().String()
	for name, c := range map[string]struct{ base, control, path string }{
		"a control URL elsewhere": {"", other + "/control", "/desc"},
		"a base elsewhere":        {"<URLBase>" + other + "</URLBase>", "/control", "/desc"},
		"a redirect":              {"", "/control", "/moved"},
		"a description too long":  {"", "/control", "/long"},
		"no description":          {"", "/control", "/nothing"},
	} {
		if got, err := newIGD(t, c.base, c.control).open(t, c.path); err == nil {
			t.Errorf("%s: got %v", name, got)
		}
	}
	u := &upnp{home: home1}
	for _, place := range []string{other + "/desc", "http://localhost:80/desc", "https://127.0.0.1/desc", "http://a@127.0.0.1/", "file:///etc/passwd", "http://[::1]/"} {
		if at, err := url.Parse(place); err == nil && u.isRouter(at) {
			t.Errorf("%s is taken for the router's", place)
		}
	}
	select {
	case from := <-knocked:
		t.Errorf("%s came to another than the router", from)
	default:
	}
}
