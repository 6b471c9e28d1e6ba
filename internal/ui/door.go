package ui

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/jsonapi"
	"github.com/anthill-grid/anthill/internal/problem"
)

// door lets in the one who was shown the link, and nobody else: no page of another site that
// is open in the same browser, no name that another site has pointed at this machine, no
// other user of this machine. The link's token counts once, and buys a cookie that no
// script can read and that no other site's request carries.
type door struct {
	port   string
	hosts  []string // what a browser may call this server, HOST:PORT
	cookie string   // its name; cookies do not know ports, so several servers need several
	key    string   // the cookie's value
	inside http.Handler
	used   func() // called when a token has been used

	mu    sync.Mutex
	token string
}

// policy lets a page use what this server has and nothing from elsewhere, run no text as a
// program, send no form and stand in no other page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func newDoor(address net.Addr, inside http.Handler, used func()) *door {
	_, port, _ := net.SplitHostPort(address.String())
	return &door{
		port: port, hosts: []string{"127.0.0.1:" + port, "localhost:" + port, "[::1]:" + port},
		cookie: "anthill-" + port, key: rand.Text(), inside: inside, used: used, token: rand.Text(),
	}
}

// link is what opens the page, once.
func (d *door) link(host string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return "http://" + host + "/?token=" + d.token
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	head.Set("Cache-Control", "no-cache")
	switch {
	case !slices.Contains(d.hosts, r.Host):
		refuse(w, "this server is not called "+r.Host, "FOREIGN_HOST")
	case d.foreign(r):
		refuse(w, "the request comes from a page of another site", "FOREIGN_ORIGIN")
	case d.known(r):
		d.enter(w, r)
	case r.Method == http.MethodGet && d.redeem(r.URL.Query().Get("token")):
		http.SetCookie(w, &http.Cookie{Name: d.cookie, Value: d.key, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		d.leaveToken(w, r)
		d.used()
	default:
		refuse(w, "this page is only for who started it: open the link that the command printed last", "NO_TOKEN")
	}
}

// enter is for those who have the cookie.
func (d *door) enter(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("token") {
		d.leaveToken(w, r)
		return
	}
	d.inside.ServeHTTP(w, r)
}

// leaveToken goes on without the token in the address, where it would be seen and kept. A
// redirect that follows a link on another page would come without the new cookie, which
// is strict: so it is the page itself that goes on.
func (d *door) leaveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Refresh", "0; url=/")
	_, _ = w.Write([]byte("<!doctype html><title>Anthill</title><a href=\"/\">continue</a>\n"))
}

// foreign tells whether a browser says that another site's page asks. Browsers leave Origin
// out of a plain GET alone, and Sec-Fetch-Site says where that comes from; it may come
// from anywhere if it opens the page, since it shows nothing to who sent it.
func (d *door) foreign(r *http.Request) bool {
	if origin := r.Header.Get("Origin"); origin != "" {
		u, err := url.Parse(origin)
		return err != nil || u.Scheme != "http" || u.Host != r.Host
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return r.Method != http.MethodGet || r.URL.Path != "/" || r.Header.Get("Sec-Fetch-Mode") != "navigate"
}

func (d *door) known(r *http.Request) bool {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return same(bearer, d.key)
	}
	cookie, err := r.Cookie(d.cookie)
	return err == nil && same(cookie.Value, d.key)
}

// redeem takes a token, and puts another in its place.
func (d *door) redeem(token string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !same(token, d.token) {
		return false
	}
	d.token = rand.Text()
	return true
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func refuse(w http.ResponseWriter, why, reason string) {
	jsonapi.WriteError(w, problem.ToStatus(codes.Unauthenticated, why, reason, "", ""))
}
