// Package browser drives Chromium for tests of the page and for pictures of it.
package browser

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// names are what Chromium is called by those who package it.
var names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"}

// ErrNone: there is no browser on this machine.
var ErrNone = errors.New("no Chromium on this machine (Debian: apt-get install chromium)")

// Find gives the path of a browser.
func Find() (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNone
}

// Start runs a browser without a window until stop is called, which removes what it kept.
func Start(ctx context.Context) (tab context.Context, stop func(), err error) {
	path, err := Find()
	if err != nil {
		return nil, nil, err
	}
	profile, err := os.MkdirTemp("", "anthill-browser-*")
	if err != nil {
		return nil, nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(profile),
		chromedp.WSURLReadTimeout(time.Minute), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("disable-gpu", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocated, endProcess := chromedp.NewExecAllocator(ctx, options...)
	// It complains of every event that is newer than itself.
	tab, endTab := chromedp.NewContext(allocated, chromedp.WithErrorf(func(string, ...any) {}))
	stop = func() {
		endTab()
		endProcess()
		remove(profile)
	}
	if err := chromedp.Run(tab); err != nil {
		stop()
		return nil, nil, fmt.Errorf("start %s: %w", path, err)
	}
	return tab, stop, nil
}

// remove takes a profile away. Processes that the browser has begun go on writing to it for a
// moment after the browser has ended.
func remove(profile string) {
	for range 50 {
		if os.RemoveAll(profile) == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Size makes the window as large as that of a screen, or of a telephone.
func Size(width, height int64) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		return emulation.SetDeviceMetricsOverride(width, height, 1, width < 600).Do(ctx)
	})
}

// Shot writes a PNG of what is seen.
func Shot(path string) chromedp.Action {
	return chromedp.ActionFunc(func(ctx context.Context) error {
		png, err := page.CaptureScreenshot().WithFormat(page.CaptureScreenshotFormatPng).Do(ctx)
		if err != nil {
			return fmt.Errorf("take picture %s: %w", filepath.Base(path), err)
		}
		return os.WriteFile(path, png, 0o644)
	})
}

// Thrown calls tell for whatever the page throws and does not catch.
func Thrown(tab context.Context, tell func(what string)) {
	chromedp.ListenTarget(tab, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			tell(e.ExceptionDetails.Error())
		}
	})
}
