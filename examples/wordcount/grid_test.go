package wordcount_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/examples/wordcount"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/sdk"
)

// TestOnGrid runs job.yaml on a grid, merges the partial counts and compares
// them with a plain count.
func TestOnGrid(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Friends("ada", "bruno")})
	client := grid.Connect(t)
	file, err := sdk.LoadJobFile("job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file.AllowOutside = true // its guest is built aside
	file.Bundle = guests.Build(t, "github.com/anthill-grid/anthill/examples/wordcount/guest")
	job, err := client.Submit(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	if job.Tasks() < 2 {
		t.Errorf("the job has %d tasks: there is nothing to merge", job.Tasks())
	}
	merged, parts := new(wordcount.Counts), 0
	for result, err := range client.Results(t.Context(), job.ID()) {
		if err != nil {
			t.Fatal(err)
		}
		data, err := result.Bytes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		part, err := wordcount.ReadCounts(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		merged.Merge(part)
		parts++
	}
	if parts != job.Tasks() {
		state, err := client.Job(t.Context(), job.ID())
		t.Fatalf("%d results of %d: %v, %v", parts, job.Tasks(), state, err)
	}
	if got, want := text(t, merged), text(t, plainCount(t)); got != want || want == "" {
		t.Errorf("the grid counts %d bytes of words, a plain count has %d", len(got), len(want))
	}
}

// plainCount counts the corpus without a grid.
func plainCount(t *testing.T) *wordcount.Counts {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("corpus", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	counts := new(wordcount.Counts)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := counts.Add(bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}
	return counts
}

func text(t *testing.T, c *wordcount.Counts) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := c.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
