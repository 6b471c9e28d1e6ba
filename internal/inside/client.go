package inside

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"github.com/anthill-grid/anthill/internal/localsock"
	"github.com/anthill-grid/anthill/internal/problem"
)

// Client asks the process that runs with a data directory, through its socket.
type Client struct {
	dir  string
	http http.Client
}

// NewClient is for the process that runs with the data in dir.
func NewClient(dir string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return localsock.Dial(ctx, dir, socketName) }
	return &Client{dir, http.Client{Transport: &http.Transport{DialContext: dial}}}
}

// Get is what is to be seen at a path, such as /metrics. An answer that says that the
// process is not well is an answer. The error is problem.ErrNotFound if none runs there.
func (c *Client) Get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://inside"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	switch {
	case errors.Is(err, os.ErrPermission):
		return nil, problem.Invalid("be the user who started it", "look inside the process in %s: %w", c.dir, err)
	case ctx.Err() != nil:
		return nil, fmt.Errorf("look at %s of the process in %s: it does not answer: %w", path, c.dir, ctx.Err())
	case err != nil:
		return nil, problem.NotFound("give the --data of a coordinator or worker that runs", "look inside the process in %s: none runs there: %w", c.dir, err)
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
		err = fmt.Errorf("look at %s of the process in %s: %s", path, c.dir, resp.Status)
	}
	return data, err
}

// Close ends its connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }
