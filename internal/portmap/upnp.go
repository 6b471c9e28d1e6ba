package portmap

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/huin/goupnp"
	"github.com/huin/goupnp/dcps/internetgateway2"
	"github.com/huin/goupnp/soap"
)

const (
	// searchTime is how long the router may take to say where it is to be asked, and
	// maxFound how many of its answers are looked at.
	searchTime = 2 * time.Second
	maxFound   = 4
	// upnpTime bounds each of the questions, and maxBody the bytes of an answer.
	upnpTime = 3 * time.Second
	maxBody  = 128 << 10
	// mapTries is how many outer ports are asked for, where others have them.
	mapTries = 3
	// The errors of UPnP that something can be done about.
	upnpConflict = 718
	upnpForEver  = 725 // it gives ports without an end alone
)

// upnp asks by UPnP. Of the library it takes the messages; whom they go to is decided
// here, since what answers a search may name any address there is.
type upnp struct {
	home
	service  connection // nil: not found yet
	external uint16     // the outer port, once it is given
}

// connection is what gives ports, of whichever version.
type connection interface {
	AddPortMappingCtx(ctx context.Context, remote string, external uint16, protocol string, internal uint16, client string, enabled bool, description string, life uint32) error
	DeletePortMappingCtx(ctx context.Context, remote string, external uint16, protocol string) error
	GetExternalIPAddressCtx(ctx context.Context) (string, error)
}

func (u *upnp) open(ctx context.Context) (lease, error) {
	if u.service == nil {
		service, err := u.find(ctx)
		if err != nil {
			return lease{}, err
		}
		u.service = service
	}
	if u.external == 0 {
		u.external = u.local.Port()
	}
	life, err := u.add(ctx)
	if err != nil {
		return lease{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, upnpTime)
	defer cancel()
	ip := netip.IPv4Unspecified()
	if said, err := u.service.GetExternalIPAddressCtx(ctx); err == nil { // it may not know
		if at, err := netip.ParseAddr(said); err == nil {
			ip = at.Unmap()
		}
	}
	return lease{netip.AddrPortFrom(ip, u.external), life}, nil
}

// add asks for the port: another one if somebody has it, and one without an end if there
// are no others.
func (u *upnp) add(ctx context.Context) (life time.Duration, err error) {
	life = askedLife
	for range mapTries {
		ask, cancel := context.WithTimeout(ctx, upnpTime)
		err = u.service.AddPortMappingCtx(ask, "", u.external, "TCP", u.local.Port(), u.local.Addr().String(), true, "anthill", uint32(life/time.Second))
		cancel()
		switch codeOf(err) {
		case upnpConflict:
			u.external = uint16(1<<15 + rand.IntN(1<<14))
		case upnpForEver:
			life = 0
		default:
			if life == 0 {
				life = askedLife // it is renewed as others are: routers forget
			}
			return life, err
		}
	}
	return 0, err
}

func codeOf(err error) int {
	var fault *soap.SOAPFaultError
	if errors.As(err, &fault) {
		return fault.Detail.UPnPError.Errorcode
	}
	return 0
}

func (u *upnp) close(ctx context.Context) error {
	return u.service.DeletePortMappingCtx(ctx, "", u.external, "TCP")
}

// find looks for the router's service that gives ports.
func (u *upnp) find(ctx context.Context) (connection, error) {
	places, err := u.search(ctx)
	if err != nil {
		return nil, err
	}
	err = errors.New("no answer")
	for _, at := range places {
		var service connection
		if service, err = u.serviceAt(ctx, at); err == nil {
			return service, nil
		}
	}
	return nil, err
}

// search asks all of the home's network where its router is to be asked, and hears what
// comes from the router's address.
func (u *upnp) search(ctx context.Context) (places []*url.URL, err error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(u.local.Addr(), 0)))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := conn.SetDeadline(time.Now().Add(searchTime)); err != nil {
		return nil, err
	}
	const group = "239.255.255.250:1900"
	for _, version := range "21" {
		question := fmt.Sprintf("M-SEARCH * HTTP/1.1\r\nHOST: %s\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:%c\r\n\r\n", group, version)
		for _, to := range []netip.AddrPort{netip.MustParseAddrPort(group), netip.AddrPortFrom(u.router, 1900)} {
			if _, err := conn.WriteToUDPAddrPort([]byte(question), to); err != nil && ctx.Err() != nil {
				return nil, err
			}
		}
	}
	buffer := make([]byte, 2<<10)
	for heard := 0; heard < maxFound; {
		n, from, err := conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			break // there was time enough
		}
		if from.Addr().Unmap() != u.router {
			continue
		}
		heard++
		answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(buffer[:n])), nil)
		if err != nil {
			continue
		}
		if at, err := url.Parse(answer.Header.Get("Location")); err == nil && u.isRouter(at) {
			return append(places, at), nil
		}
	}
	return nil, errors.New("no answer")
}

// isRouter tells whether a URL is of the router itself, by its address: the name of one
// may stand for anything.
func (u *upnp) isRouter(at *url.URL) bool {
	ip, err := netip.ParseAddr(at.Hostname())
	return err == nil && at.Scheme == "http" && at.User == nil && ip.Unmap() == u.router
}

// serviceAt reads the description of a router, and finds the service in it.
func (u *upnp) serviceAt(ctx context.Context, at *url.URL) (connection, error) {
	root, err := u.describe(ctx, at)
	if err != nil {
		return nil, err
	}
	twos, _ := internetgateway2.NewWANIPConnection2ClientsFromRootDevice(root, at) // an error means none, as in the others
	for _, c := range twos {
		c.SOAPClient.HTTPClient = *u.client()
		return c, nil
	}
	ones, _ := internetgateway2.NewWANIPConnection1ClientsFromRootDevice(root, at)
	for _, c := range ones {
		c.SOAPClient.HTTPClient = *u.client()
		return c, nil
	}
	dialled, _ := internetgateway2.NewWANPPPConnection1ClientsFromRootDevice(root, at)
	for _, c := range dialled {
		c.SOAPClient.HTTPClient = *u.client()
		return c, nil
	}
	return nil, errors.New("the router does not give ports")
}

func (u *upnp) describe(ctx context.Context, at *url.URL) (*goupnp.RootDevice, error) {
	ctx, cancel := context.WithTimeout(ctx, upnpTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := u.client().Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the router's description: %s", resp.Status)
	}
	root, decoder := &goupnp.RootDevice{}, xml.NewDecoder(resp.Body)
	decoder.DefaultSpace = goupnp.DeviceXMLNamespace
	if err := decoder.Decode(root); err != nil {
		return nil, fmt.Errorf("the router's description: %w", err)
	}
	base := at
	if root.URLBaseStr != "" {
		if base, err = url.Parse(root.URLBaseStr); err != nil {
			return nil, fmt.Errorf("the router's description: %w", err)
		}
	}
	root.SetURLBase(base)
	return root, nil
}

// client asks the router and nobody else, follows it nowhere, and reads so much of what it
// says.
func (u *upnp) client() *http.Client {
	return &http.Client{
		Timeout:       upnpTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the router sends us elsewhere") },
		Transport: frugal{&http.Transport{
			DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				at, err := netip.ParseAddrPort(address)
				if err != nil || at.Addr().Unmap() != u.router {
					return nil, fmt.Errorf("%s: it is not the router", address)
				}
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
		}},
	}
}

// frugal reads maxBody bytes of an answer.
type frugal struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (f frugal) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := f.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, maxBody), resp.Body}
	return resp, nil
}
