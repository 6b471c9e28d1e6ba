package sdk

import "testing"

// What is served is reached at the port that is advertised, so it is opened here.
func TestTheAdvertisedPortIsOpened(t *testing.T) {
	if got := (&Grid{advertise: []string{"router.example:7000", "203.0.113.7:1"}}).port(); got != "7000" {
		t.Errorf("port %s is opened, want 7000", got)
	}
	if got := (&Grid{}).port(); got != "0" {
		t.Errorf("port %s is opened, want any", got)
	}
}
