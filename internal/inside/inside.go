// Package inside lets operators look inside a running coordinator or worker: its metrics
// for Prometheus, whether it is alive and ready, profiles, and what else `anthill debug`
// puts into a bundle.
//
// There are two doors. Who may open the data directory's socket sees all of it; it is
// always there. Who reaches the port of --metrics, which is there on request, sees metrics
// and health, and from the machine itself profiles. Neither shows keys, tokens, inputs or
// results.
package inside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"

	"github.com/anthill-grid/anthill/internal/localsock"
	"github.com/anthill-grid/anthill/internal/logs"
)

const (
	// socketName is what the socket is called in the data directory.
	socketName = "inside.sock"
	// maxConns bounds the connections to either door.
	maxConns = 32
	// aliveWithin is how soon a process must answer that is alive.
	aliveWithin = 2 * time.Second
)

// Subject is what is looked at. Its methods are called from many goroutines.
type Subject interface {
	// Collect sends what Prometheus is told; its labels must not come from strangers.
	Collect(chan<- prometheus.Metric)
	// Ready says what keeps it from its work.
	Ready() []Check
	// Alive returns once the process has shown that it goes on.
	Alive()
	// Pictures are what else is to be seen of it, each under its name. They are written as
	// JSON and must hold no secrets.
	Pictures() map[string]any
}

// Check is one thing without which a node is not ready; a nil error: it is there.
type Check struct {
	Name string
	Err  error
}

// Config says who looks at what, and from where.
type Config struct {
	// Dir is the data directory, for the socket.
	Dir string
	// Address is HOST:PORT for Prometheus, without a HOST this machine alone; "": nowhere.
	Address string
	Subject Subject
	// About is what the process is: its version and flags.
	About About
	// Recent are the latest lines of its log.
	Recent *logs.Recent
	Logger *slog.Logger
}

// About is what a process was started as. It holds no secrets.
type About struct {
	Release string            `json:"release"`
	Role    string            `json:"role"`
	Node    string            `json:"node"`
	Go      string            `json:"go"`
	System  string            `json:"system"`
	Started time.Time         `json:"started"`
	Flags   map[string]string `json:"flags"`
}

// Doors are open until Run ends.
type Doors struct {
	cfg    Config
	socket *localsock.Listener // nil: it could not be opened
	port   net.Listener        // nil: nobody asked for it
}

// Open opens the doors. Without the socket a process still runs.
func Open(cfg Config) (*Doors, error) {
	d := &Doors{cfg: cfg}
	if cfg.Address != "" {
		address, err := loopback(cfg.Address)
		if err != nil {
			return nil, err
		}
		if d.port, err = net.Listen("tcp", address); err != nil {
			return nil, fmt.Errorf("listen for metrics: %w", err)
		}
		cfg.Logger.Info("metrics are served", "at", "http://"+d.port.Addr().String()+"/metrics")
	}
	var err error
	if d.socket, err = localsock.Listen(cfg.Dir, socketName); err != nil {
		cfg.Logger.Warn("failed to open the socket for looking inside: `anthill debug` does not find this process", "error", err)
		d.socket = nil
	}
	return d, nil
}

// loopback is the address with this machine as its host, if it has none.
func loopback(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("metrics at %q: want HOST:PORT: %w", address, err)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// Address is where metrics are served; "": nowhere.
func (d *Doors) Address() string {
	if d.port == nil {
		return ""
	}
	return d.port.Addr().String()
}

// Run serves until ctx ends.
func (d *Doors) Run(ctx context.Context) error {
	all, public := d.muxes()
	var servers []*http.Server
	failed := make(chan error, 2)
	serve := func(l net.Listener, h http.Handler) {
		s := &http.Server{
			Handler: h, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
			ErrorLog: slog.NewLogLogger(d.cfg.Logger.Handler(), slog.LevelDebug),
		}
		servers = append(servers, s)
		go func() { failed <- s.Serve(netutil.LimitListener(l, maxConns)) }()
	}
	if d.socket != nil {
		serve(d.socket, all)
	}
	if d.port != nil {
		serve(d.port, public)
	}
	var errs []error
	for range servers {
		select {
		case err := <-failed:
			errs = append(errs, err)
		case <-ctx.Done():
		}
	}
	for _, s := range servers {
		errs = append(errs, s.Close())
	}
	<-ctx.Done()
	return errors.Join(errs...)
}

// muxes are what is behind the socket, and behind the port.
func (d *Doors) muxes() (all, public *http.ServeMux) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), subject{d.cfg})
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, Timeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(d.cfg.Logger.Handler(), slog.LevelWarn),
	})
	all, public = http.NewServeMux(), http.NewServeMux()
	for _, mux := range []*http.ServeMux{all, public} {
		mux.Handle("GET /metrics", metrics)
		mux.HandleFunc("GET /healthz", d.alive)
		mux.HandleFunc("GET /readyz", d.ready)
	}
	profiles := http.NewServeMux()
	// Not its cmdline, in which a token may be.
	profiles.HandleFunc("GET /debug/pprof/", pprof.Index)
	profiles.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	profiles.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	profiles.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	profiles.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
	all.Handle("GET /debug/pprof/", profiles)
	public.Handle("GET /debug/pprof/", fromHere(profiles))
	all.HandleFunc("GET /about", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, d.cfg.About) })
	all.HandleFunc("GET /log", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(d.cfg.Recent.Text()) })
	all.HandleFunc("GET /pictures", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, d.cfg.Subject.Pictures()) })
	return all, public
}

// fromHere keeps profiles from other machines, and from web sites that have their name
// point at this one.
func fromHere(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.RemoteAddr) || !isLoopback(r.Host) {
			http.Error(w, "profiles are for this machine: ask 127.0.0.1 from here, or run `anthill debug`", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func isLoopback(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// alive answers once the process has shown that it goes on.
func (d *Doors) alive(w http.ResponseWriter, _ *http.Request) {
	shown := make(chan struct{})
	go func() {
		d.cfg.Subject.Alive()
		close(shown)
	}()
	select {
	case <-shown:
		fmt.Fprintln(w, "ok")
	case <-time.After(aliveWithin):
		http.Error(w, "it does not go on: see /debug/pprof/goroutine?debug=2", http.StatusServiceUnavailable)
	}
}

// ready has a line for each thing that a node needs.
func (d *Doors) ready(w http.ResponseWriter, _ *http.Request) {
	checks := d.cfg.Subject.Ready()
	if Unready(checks) != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for _, c := range checks {
		if c.Err != nil {
			fmt.Fprintf(w, "%s: %v\n", c.Name, c.Err)
		} else {
			fmt.Fprintf(w, "%s: ok\n", c.Name)
		}
	}
}

// Unready is why a node is not ready; nil: it is.
func Unready(checks []Check) error {
	var errs []error
	for _, c := range checks {
		if c.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Name, c.Err))
		}
	}
	return errors.Join(errs...)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(v) // who asked may have left
}
