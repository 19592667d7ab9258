package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"golang.org/x/term"

	"github.com/flakehunt/flakehunt/harness/secrets"
	"github.com/flakehunt/flakehunt/reports"
)

// messages is standard error: progress, notes, warnings.
type messages struct {
	err     io.Writer
	quiet   bool
	verbose bool
	mask    *secrets.Mask                // of what is neither printed nor written
	bars    atomic.Pointer[mpb.Progress] // of the hunt under way; nil: there is none
}

// logger writes warnings, and with -v what is done, to standard error.
func (m *messages) logger() *slog.Logger {
	level := slog.LevelError
	if m.verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(besideBar{m}, &slog.HandlerOptions{Level: level}))
}

// notef says something in passing, unless -q.
func (m *messages) notef(format string, args ...any) {
	if !m.quiet {
		fmt.Fprintf(besideBar{m}, format+"\n", args...)
	}
}

// printer is standard output: what was asked for, as text or as JSON.
type printer struct {
	out  io.Writer
	json bool
}

// printJSON writes v, indented.
func (p *printer) printJSON(v any) error {
	e := json.NewEncoder(p.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// form is how wide and how coloured text is.
func (p *printer) form() reports.Options {
	width, _ := terminal(p.out)
	return reports.Options{Color: colour(p.out), Width: width}
}

// terminal reports whether w is one, and its width (0 if it is none).
func terminal(w io.Writer) (width int, ok bool) {
	f, is := bare(w).(*os.File)
	if !is || !isatty.IsTerminal(f.Fd()) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	return width, true
}

// colour reports whether w takes ANSI colours.
func colour(w io.Writer) bool {
	_, ok := terminal(w)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
