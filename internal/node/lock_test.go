package node

import (
	"errors"
	"testing"

	"github.com/anthill-grid/anthill/internal/problem"
)

func TestLockIsForOne(t *testing.T) {
	dir := t.TempDir()
	first, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(dir); !errors.Is(err, problem.ErrInvalid) || problem.Next(err) == "" {
		t.Errorf("a second lock: got %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Lock(dir)
	if err != nil {
		t.Fatalf("after the first has ended: %v", err)
	}
	again.Close()
}
