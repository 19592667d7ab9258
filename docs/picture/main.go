// Command picture takes a picture of the first finding's card in a report.
//
//	go run ./docs/picture flakehunt-out/report.html docs/finding.png
//
// It must never ask the network for anything.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: picture REPORT.html PICTURE.png")
		os.Exit(2)
	}
	if err := picture(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

// picture opens the report at the width of a README's column, twice as fine, in the
// light colours that fit both of GitHub's.
func picture(ctx context.Context, report, to string) error {
	file, err := filepath.Abs(report)
	if err != nil {
		return err
	}
	browser, err := browser()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(browser), chromedp.Flag("no-sandbox", true), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.Flag("proxy-server", "127.0.0.1:1"))...)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1100, 900), chromedp.Navigate("file://"+file)); err != nil {
		return fmt.Errorf("open %s: %w", report, err)
	}
	shot, err := chromedp.Run(ctx, chromedp.ScreenshotScale("#findings > article.finding:first-of-type", 1.5))
	if err != nil {
		return fmt.Errorf("take a picture of its first finding: %w", err)
	}
	return os.WriteFile(to, shot, 0o644)
}

// browser finds a Chromium on PATH.
func browser() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no browser on PATH: install chromium")
}
