package keeper

import (
	"testing"
	"time"
)

const mib = 1 << 20

// TestWhatComesTooLateIsOverdue has results by how they come and what they cost.
func TestWhatComesTooLateIsOverdue(t *testing.T) {
	usual := outlook{age: 20 * time.Second, quiet: 20 * time.Second, size: 3 * mib, left: 3 * mib, pace: 100 * time.Millisecond, elsewhere: 10 * mib, least: leastPatience}
	for what, c := range map[string]struct {
		change func(*outlook)
		want   bool
	}{
		"a good line":                        {func(o *outlook) { o.rate = mib }, false},
		"8 KiB/s":                            {func(o *outlook) { o.rate = 8 << 10 }, true},
		"1 KiB/s":                            {func(o *outlook) { o.rate = 1 << 10 }, true},
		"10 B/s":                             {func(o *outlook) { o.rate = 10 }, true},
		"nothing":                            {func(*outlook) {}, true},
		"nothing of this one, but others":    {func(o *outlook) { o.quiet = time.Second }, false},
		"nothing, for a moment":              {func(o *outlook) { o.age = 9 * time.Second }, false},
		"8 KiB/s, seen for a moment":         {func(o *outlook) { o.rate, o.age = 8<<10, 9*time.Second }, false},
		"8 KiB/s, nearly here":               {func(o *outlook) { o.rate, o.left = 8<<10, 50<<10 }, false},
		"a good line with a long queue":      {func(o *outlook) { o.rate, o.left = mib, 200*mib }, true},
		"work of an hour at 8 KiB/s":         {func(o *outlook) { o.rate, o.pace = 8<<10, time.Hour }, false},
		"work of an hour, and nothing comes": {func(o *outlook) { o.pace = time.Hour }, false},
		"work of an hour, and nothing comes for four":  {func(o *outlook) { o.pace, o.quiet = time.Hour, 4*time.Hour }, true},
		"200 MiB at 2 MiB/s, like everywhere":          {func(o *outlook) { o.size, o.left, o.rate, o.elsewhere = 200*mib, 200*mib, 2*mib, 2*mib }, false},
		"200 MiB at 2 MiB/s, elsewhere ten times that": {func(o *outlook) { o.size, o.left, o.rate, o.elsewhere = 200*mib, 200*mib, 2*mib, 20*mib }, true},
		"8 KiB/s, taken back six times":                {func(o *outlook) { o.rate, o.unfetched = 8<<10, 6 }, false},
		"8 KiB/s, and our line is full":                {func(o *outlook) { o.rate, o.ours = 8<<10, true }, false},
		"8 KiB/s, and nobody else is there":            {func(o *outlook) { o.rate, o.alone = 8<<10, true }, false},
		"nothing, and nobody else is there":            {func(o *outlook) { o.alone = true }, false},
		"nothing for long, and nobody else is there":   {func(o *outlook) { o.alone, o.quiet = true, missingAfter }, true},
		"8 KiB/s under old rules":                      {func(o *outlook) { o.rate, o.old = 8<<10, true }, false},
		"nothing for long under old rules":             {func(o *outlook) { o.old, o.quiet = true, missingAfter }, true},
		"taken back for ever":                          {func(o *outlook) { o.unfetched = 1000 }, false},
	} {
		o := usual
		c.change(&o)
		if got := o.overdue(); got != c.want {
			t.Errorf("%s: overdue %v, with a patience of %v", what, got, o.patience())
		}
	}
}
