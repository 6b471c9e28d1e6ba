package publicpage

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestThePublicPage(t *testing.T) {
	looks := 0
	p, err := Listen("127.0.0.1:0", func(context.Context) Counts { looks++; return Counts{Workers: 1234, JobsRunning: 7} })
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { ended <- p.Run(ctx) }()
	get := func(method, path string) (int, string) {
		req, err := http.NewRequest(method, "http://"+p.Address()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if resp.Header.Get("Content-Security-Policy") == "" || len(resp.Cookies()) > 0 {
			t.Errorf("%s: %v", path, resp.Header)
		}
		return resp.StatusCode, string(body)
	}
	if code, body := get("GET", "/"); code != 200 || !strings.Contains(body, "1234") || strings.Contains(body, "<script") {
		t.Errorf("the page: %d %s", code, body)
	}
	var counts map[string]int
	if code, body := get("GET", "/counts.json"); code != 200 || json.Unmarshal([]byte(body), &counts) != nil || counts["jobs_running"] != 7 {
		t.Errorf("the counts: %d %s", code, body)
	}
	if code, _ := get("GET", "/style.css"); code != 200 {
		t.Errorf("its style: %d", code)
	}
	for _, path := range []string{"/js/app.js", "/index.html", "/anthill.v1.JobService/ListJobs", "/openapi.json", "/results/j/1"} {
		if code, _ := get("GET", path); code != 404 {
			t.Errorf("%s: %d", path, code)
		}
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if code, _ := get(method, "/"); code != 405 {
			t.Errorf("%s: %d", method, code)
		}
	}
	if looks != 1 {
		t.Errorf("the state was looked at %d times", looks)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
