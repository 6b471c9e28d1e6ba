// Command pictures takes pictures of the page, at the widths of a screen and of a
// telephone: those in docs/page.md, and others to look at.
//
//	go run ./internal/lab/pictures -o docs
//	go run ./internal/lab/pictures -link LINK -o DIR NAME=#/jobs NAME=#/jobs/JOB ...
//
// Without a link it starts a grid of its own, which draws the Mandelbrot set.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/anthill-grid/anthill/internal/lab/browser"
)

func main() {
	link := flag.String("link", "", "the `link` that anthill ui has printed; none: that of a grid of its own")
	out := flag.String("o", ".", "where the pictures go")
	theme := flag.String("theme", "light", "light or dark")
	widths := flag.String("widths", "1440,390", "of the window")
	wait := flag.Duration("wait", 3*time.Second, "before a picture is taken")
	height := flag.Int64("height", 0, "of the window; 0: that of a screen")
	flag.Parse()
	work := func() error { return run(*link, *out, *theme, *widths, *height, *wait, flag.Args()) }
	if *link == "" {
		work = func() error { return ofOwnGrid(*out) }
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func run(link, out, theme, widths string, height int64, wait time.Duration, views []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	tab, stop, err := browser.Start(ctx)
	if err != nil {
		return err
	}
	defer stop()
	open := chromedp.Tasks{chromedp.Navigate(link), chromedp.WaitVisible("#main"), chromedp.Evaluate(fmt.Sprintf("localStorage.setItem('theme', %q)", theme), nil), chromedp.Reload(), chromedp.WaitVisible("#main")}
	if err := chromedp.Run(tab, open); err != nil {
		return err
	}
	for _, width := range strings.Split(widths, ",") {
		var w int64
		if _, err := fmt.Sscan(width, &w); err != nil {
			return fmt.Errorf("width %q: %w", width, err)
		}
		h := height
		if h == 0 {
			h = map[bool]int64{true: 844, false: 1000}[w < 600]
		}
		for _, view := range views {
			name, hash, _ := strings.Cut(view, "=")
			path := filepath.Join(out, fmt.Sprintf("%s-%d.png", name, w))
			if err := chromedp.Run(tab, browser.Size(w, h), chromedp.Evaluate(fmt.Sprintf("location.hash = %q", hash), nil), chromedp.Sleep(wait), browser.Shot(path)); err != nil {
				return err
			}
			fmt.Println(path)
		}
	}
	return nil
}
