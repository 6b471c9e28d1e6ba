package inside

import (
	"github.com/prometheus/client_golang/prometheus"
)

// subject is what the registry asks. It describes nothing beforehand: what there is
// depends on who leads.
type subject struct{ cfg Config }

// Describe implements prometheus.Collector.
func (subject) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s subject) Collect(ch chan<- prometheus.Metric) {
	Gauge(ch, "anthill_info", "What runs here: always 1.", 1,
		"role", s.cfg.About.Role, "node", s.cfg.About.Node, "release", s.cfg.About.Release)
	for _, c := range s.cfg.Subject.Ready() {
		Gauge(ch, "anthill_ready", "Whether one thing that the node needs is there, as /readyz says.", Bool(c.Err == nil), "check", c.Name)
	}
	s.cfg.Subject.Collect(ch)
}

// Gauge sends a number that goes up and down; labels are names and values in turn.
func Gauge(ch chan<- prometheus.Metric, name, help string, value float64, labels ...string) {
	send(ch, prometheus.GaugeValue, name, help, value, labels)
}

// Counter sends a number that only grows while the process runs; labels are as with Gauge.
func Counter(ch chan<- prometheus.Metric, name, help string, value float64, labels ...string) {
	send(ch, prometheus.CounterValue, name, help, value, labels)
}

func send(ch chan<- prometheus.Metric, kind prometheus.ValueType, name, help string, value float64, labels []string) {
	var names, values []string
	for i := 0; i+1 < len(labels); i += 2 {
		names, values = append(names, labels[i]), append(values, labels[i+1])
	}
	ch <- prometheus.MustNewConstMetric(prometheus.NewDesc(name, help, names, nil), kind, value, values...)
}

// Bool is 1 for true.
func Bool(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
