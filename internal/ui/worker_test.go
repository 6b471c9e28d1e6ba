package ui

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// donated notes what it was asked for.
type donated struct {
	wish  string
	until time.Time
}

func (d *donated) Do(_ context.Context, what string, until time.Time) (any, error) {
	d.wish, d.until = what, until
	if what == "drain" {
		return nil, errors.New("no worker runs")
	}
	return map[string]string{"node": "n"}, nil
}

func TestADonorAsks(t *testing.T) {
	d := &donated{}
	h := NewWorkerHandler(d)
	for _, c := range []struct {
		method, path, body, want string
		code                     int
		ends                     bool
	}{
		{"POST", "/worker/status", `{}`, "status", 200, false},
		{"POST", "/worker/pause", `{"seconds":3600}`, "pause", 200, true},
		{"POST", "/worker/pause", `{}`, "pause", 200, false},
		{"POST", "/worker/resume", `{}`, "resume", 200, false},
		{"POST", "/worker/drain", `{}`, "drain", 503, false},
		{"POST", "/worker/delete", `{}`, "", 404, false},
		{"POST", "/worker/pause", `{]`, "", 400, false},
		{"POST", "/worker/pause", `{"seconds":-1}`, "", 400, false},
		{"GET", "/worker/pause", "", "", 404, false},
		{"GET", "/", "", "", 200, false},
	} {
		*d = donated{}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.code || d.wish != c.want || d.until.After(time.Now().Add(59*time.Minute)) != c.ends {
			body, _ := io.ReadAll(w.Result().Body)
			t.Errorf("%s %s %s: %d, %+v, %s", c.method, c.path, c.body, w.Code, d, body)
		}
	}
}
