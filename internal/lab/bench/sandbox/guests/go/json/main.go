// Command json parses a text of N records, which it makes itself.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
)

type record struct {
	ID     int       `json:"id"`
	Name   string    `json:"name"`
	Active bool      `json:"active"`
	Tags   []string  `json:"tags"`
	Point  []float64 `json:"point"`
	Owner  *struct {
		Level int `json:"level"`
	} `json:"owner"`
}

func main() {
	n := 120_000
	if len(os.Args) > 1 {
		n, _ = strconv.Atoi(os.Args[1])
	}
	var records []record
	if err := json.Unmarshal(text(n), &records); err != nil {
		fmt.Fprintln(os.Stderr, "json:", err)
		os.Exit(1)
	}
	var t totals
	for _, r := range records {
		t.add(r)
	}
	fmt.Printf("json %d ids %d chars %d active %d points %.2f levels %d\n", n, t.ids, t.chars, t.active, t.points, t.levels)
}

func text(n int) []byte {
	out := []byte("[")
	state := uint32(1)
	for i := range n {
		state = state*1664525 + 1013904223
		s := state >> 8
		out = fmt.Appendf(out, `{"id": %d, "name": "worker \"%d\"\n", "active": %t, "tags": ["a%d", "bb", ""], "point": [%d.25, -%d.5e1], "owner": `,
			i, s, s%2 == 0, s%100, s%1000, s%77)
		if s%3 == 0 {
			out = append(out, "null}, "...)
		} else {
			out = fmt.Appendf(out, `{"level": %d}}, `, s%10)
		}
	}
	return append(out, `{"id": 0}]`...)
}

type totals struct {
	ids, chars, active, levels int
	points                     float64
}

func (t *totals) add(r record) {
	t.ids += r.ID
	t.chars += len(r.Name)
	for _, tag := range r.Tags {
		t.chars += len(tag)
	}
	if r.Active {
		t.active++
	}
	for _, p := range r.Point {
		t.points += p
	}
	if r.Owner != nil {
		t.levels += r.Owner.Level
	}
}
