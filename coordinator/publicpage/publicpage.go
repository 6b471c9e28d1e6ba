// Package publicpage shows a grid to everybody, where its operator wants that: counts, and
// nothing of whose they are. It takes no word of who asks, and so changes nothing.
package publicpage

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"github.com/anthill-grid/anthill/web"
)

const (
	// fresh is for how long counts are shown again: however many ask, the state is not
	// looked at more often.
	fresh = 2 * time.Second
	// connections bounds those that are open at a time.
	connections = 256
	patience    = 10 * time.Second
)

// Counts are what anybody may know.
type Counts struct {
	Workers       int `json:"workers"`
	Owners        int `json:"owners"`
	Coordinators  int `json:"coordinators"`
	JobsRunning   int `json:"jobs_running"`
	JobsFinished  int `json:"jobs_finished"`
	TasksAccepted int `json:"tasks_accepted"`
}

// Page is a public page that is being served.
type Page struct {
	listener net.Listener
	look     func(context.Context) Counts

	mu     sync.Mutex
	counts Counts
	looked time.Time
}

//go:embed page.html
var source string

var page = template.Must(template.New("page").Parse(source))

// Listen opens a page at HOST:PORT that shows what look sees.
func Listen(address string, look func(context.Context) Counts) (*Page, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve public page: %w", err)
	}
	return &Page{listener: netutil.LimitListener(l, connections), look: look}, nil
}

// Address is where it is.
func (p *Page) Address() string { return p.listener.Addr().String() }

// Run serves until ctx ends.
func (p *Page) Run(ctx context.Context) error {
	server := &http.Server{Handler: p, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: patience, MaxHeaderBytes: 8 << 10}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve public page: %w", err)
	}
	return nil
}

// Close is for a page that never ran.
func (p *Page) Close() error { return p.listener.Close() }

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "no-referrer")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "this page is to be read", http.StatusMethodNotAllowed)
		return
	}
	switch r.URL.Path {
	case "/":
		head.Set("Content-Type", "text/html; charset=utf-8")
		_ = page.Execute(w, p.now(r.Context())) // who asked may have left
	case "/counts.json":
		head.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p.now(r.Context()))
	case "/style.css", "/mark.svg":
		web.Serve(w, r, "")
	default:
		http.Error(w, "there is no such page", http.StatusNotFound)
	}
}

func (p *Page) now(ctx context.Context) Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.looked) > fresh {
		p.counts, p.looked = p.look(ctx), time.Now()
	}
	return p.counts
}
