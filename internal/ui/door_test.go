package ui

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const address = "127.0.0.1:8123"

// entered counts who gets inside.
type entered int

func (e *entered) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	*e++
	w.WriteHeader(http.StatusOK)
}

func newTestDoor(t *testing.T) (*door, *entered) {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	inside := new(entered)
	return newDoor(at, inside, func() {}), inside
}

// ask makes a request of a browser's.
func ask(d http.Handler, method, target string, change func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, target, nil)
	r.Host = address
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w.Result()
}

func withCookie(d *door, more func(*http.Request)) func(*http.Request) {
	return func(r *http.Request) {
		r.AddCookie(&http.Cookie{Name: d.cookie, Value: d.key})
		if more != nil {
			more(r)
		}
	}
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// TestNobodyElseComesIn: none of these may get an answer from inside, by whatever path.
func TestNobodyElseComesIn(t *testing.T) {
	d, inside := newTestDoor(t)
	attacks := map[string]func(*http.Request){
		"no token":         nil,
		"wrong token":      func(r *http.Request) { r.URL.RawQuery = "token=AAAA" },
		"empty token":      func(r *http.Request) { r.URL.RawQuery = "token=" },
		"wrong cookie":     func(r *http.Request) { r.AddCookie(&http.Cookie{Name: d.cookie, Value: "AAAA"}) },
		"empty cookie":     func(r *http.Request) { r.AddCookie(&http.Cookie{Name: d.cookie}) },
		"wrong key":        header("Authorization", "Bearer AAAA"),
		"token as a key":   header("Authorization", "Bearer "+d.token),
		"rebinding name":   withCookie(d, func(r *http.Request) { r.Host = "evil.example:8123" }),
		"name without dot": withCookie(d, func(r *http.Request) { r.Host = "intranet:8123" }),
		"another port":     withCookie(d, func(r *http.Request) { r.Host = "127.0.0.1:80" }),
		"no host":          withCookie(d, func(r *http.Request) { r.Host = "" }),
		"foreign origin":   withCookie(d, header("Origin", "http://evil.example")),
		"other port":       withCookie(d, header("Origin", "http://127.0.0.1:9999")),
		"null origin":      withCookie(d, header("Origin", "null")),
		"https origin":     withCookie(d, header("Origin", "https://"+address)),
		"cross-site":       withCookie(d, header("Sec-Fetch-Site", "cross-site")),
		"same-site":        withCookie(d, header("Sec-Fetch-Site", "same-site")),
	}
	for name, attack := range attacks {
		for _, method := range []string{"GET", "POST", "PUT", "OPTIONS"} {
			for _, path := range []string{"/", "/js/app.js", "/results/j/1", "/openapi.json", "/anthill.v1.JobService/ListJobs"} {
				if resp := ask(d, method, path, attack); resp.StatusCode != http.StatusUnauthorized || len(resp.Cookies()) > 0 {
					t.Errorf("%s: %s %s gives %d and cookies %v", name, method, path, resp.StatusCode, resp.Cookies())
				}
			}
		}
	}
	if *inside != 0 {
		t.Errorf("%d requests came in", *inside)
	}
}

func TestALinkWorksOnce(t *testing.T) {
	d, inside := newTestDoor(t)
	used := 0
	d.used = func() { used++ }
	path := strings.TrimPrefix(d.link(address), "http://"+address)
	if resp := ask(d, "POST", path, nil); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a POST with the token gives %d", resp.StatusCode)
	}
	resp := ask(d, "GET", path, header("Sec-Fetch-Site", "none"))
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 || used != 1 {
		t.Fatalf("the link gives %d, %v, used %d", resp.StatusCode, resp.Cookies(), used)
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %+v", c)
	}
	if again := ask(d, "GET", path, nil); again.StatusCode != http.StatusUnauthorized {
		t.Errorf("the second time the link gives %d", again.StatusCode)
	}
	in := func(r *http.Request) { r.AddCookie(c) }
	for _, method := range []string{"GET", "POST"} {
		if resp := ask(d, method, "/x", in); resp.StatusCode != http.StatusOK {
			t.Errorf("with the cookie %s gives %d", method, resp.StatusCode)
		}
	}
	same := func(r *http.Request) {
		in(r)
		r.Header.Set("Origin", "http://"+address)
	}
	if resp := ask(d, "POST", "/x", same); resp.StatusCode != http.StatusOK || *inside != 3 {
		t.Errorf("the page itself gets %d, and %d came in", resp.StatusCode, *inside)
	}
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
		if resp.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if strings.Contains(resp.Header.Get("Content-Security-Policy"), "unsafe") {
		t.Error("the policy lets text be run as a program")
	}
}

func TestThePageIsOnLoopbackAlone(t *testing.T) {
	for _, bad := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.org:0", "localhost"} {
		if s, err := Listen(bad, http.NotFoundHandler(), func() {}); err == nil {
			t.Errorf("it listens on %s", bad)
			_ = s.Close()
		}
	}
	s, err := Listen("127.0.0.1:0", http.NotFoundHandler(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestKinds(t *testing.T) {
	for text, want := range map[string]string{
		"\x89PNG\r\n\x1a\n...": "image/png", "<svg onload=alert(1)>": "image/svg+xml", "<?xml version='1.0'?><svg/>": "image/svg+xml",
		"<html><script>alert(1)</script>": plain, "<?xml version='1.0'?><html/>": plain, "": plain, "text": plain,
	} {
		if got := KindOf([]byte(text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}
