package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/anthill-grid/anthill/internal/inside"
)

// Collect sends Prometheus what coordinators and workers alike have to tell.
func (b *Base) Collect(ch chan<- prometheus.Metric) {
	if free, size, err := b.Store.Disk(); err == nil {
		inside.Gauge(ch, "anthill_disk_free_bytes", "What is free on the disk of the data directory.", float64(free))
		inside.Gauge(ch, "anthill_disk_size_bytes", "The size of the disk of the data directory.", float64(size))
	}
	inside.Gauge(ch, "anthill_disk_full", "Whether less is free than the reserve.", inside.Bool(b.Store.Full() != nil))
	inside.Gauge(ch, "anthill_blobs_bytes", "What inputs, bundles and results have on the disk.", float64(b.Store.Used()))
	for path, t := range b.Paths.Traffic() {
		inside.Counter(ch, "anthill_traffic_bytes_total", "Bytes to and from other nodes, by how they are reached.", float64(t.In), "path", path.String(), "direction", "in")
		inside.Counter(ch, "anthill_traffic_bytes_total", "Bytes to and from other nodes, by how they are reached.", float64(t.Out), "path", path.String(), "direction", "out")
	}
	inside.Counter(ch, "anthill_pieces_sent_bytes_total", "Pieces of blobs that other nodes have fetched here.", float64(b.Swarm.Sent()))
	inside.Counter(ch, "anthill_pieces_received_bytes_total", "Pieces of blobs that were fetched from other nodes.", float64(b.Swarm.Received()))
	if u := b.Volume.Usage(); u.Limit > 0 {
		inside.Gauge(ch, "anthill_volume_used_bytes", "What other nodes have taken of the line this month.", float64(u.Used))
		inside.Gauge(ch, "anthill_volume_limit_bytes", "What they may take of it in a month.", float64(u.Limit))
	}
	inside.Gauge(ch, "anthill_certificate_ends_seconds", "When this node's certificate ends, in seconds since 1970.", float64(b.Identity.Leaf().NotAfter.Unix()))
}
