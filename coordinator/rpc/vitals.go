package rpc

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/inside"
)

// newCalls counts calls by method and code: of both there are as many as are known.
func newCalls() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "anthill_calls_total", Help: "Calls that have ended, by method and status code.",
	}, []string{"method", "code"})
}

// Collect sends Prometheus what the services have to tell.
func (s *Server) Collect(ch chan<- prometheus.Metric) {
	s.calls.Collect(ch)
	inside.Gauge(ch, "anthill_sessions", "Nodes that have a session with this coordinator.", float64(len(s.sessions.all())))
}

// SetReady has the health service say whether this coordinator is ready.
func (s *Server) SetReady(ready bool) {
	state := healthv1.HealthCheckResponse_NOT_SERVING
	if ready {
		state = healthv1.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus("", state)
}

func (s *Server) countUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	resp, err := s.unary(ctx, req, info, handler)
	s.calls.WithLabelValues(info.FullMethod, status.Code(err).String()).Inc()
	return resp, err
}

func (s *Server) countStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	err := s.stream(srv, ss, info, handler)
	s.calls.WithLabelValues(info.FullMethod, status.Code(err).String()).Inc()
	return err
}
