package reports

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// Format is one kind of report file.
type Format struct {
	Name  string // as --format takes it
	File  string // its name within the output directory
	Write func(w io.Writer, r *harness.Result, o Options) error
}

// Formats lists the report files in the order in which they are written.
func Formats() []Format {
	return []Format{
		{"junit", "junit.xml", JUnit},
		{"html", "report.html", HTML},
		{"md", "summary.md", Markdown},
		{"json", "result.json", JSON},
	}
}

// Extra lists those that are written only when they are asked for.
func Extra() []Format {
	return []Format{
		{"comment", "comment.md", Comment},
		{"ctrf", "ctrf.json", CTRF},
		{"openmetrics", "metrics.txt", OpenMetrics},
	}
}

// Options are the choices that a person has. The zero value works.
type Options struct {
	JUnitFlaky string         // "pass" (also ""): a flaky test passes with <flakyFailure>; "fail": it has <failure> too
	Color      bool           // Terminal: may use ANSI colours
	Width      int            // Terminal: columns; 0: 80
	Trend      []TrendPoint   // HTML: earlier runs, oldest first; none: no such section
	Past       *trend.History // HTML: what earlier runs say of each test; nil: nothing is known
}

// TrendPoint is one earlier run in a trend.
type TrendPoint struct {
	When     time.Time
	Label    string // commit or CI run
	Runs     int    // executions that count
	Failures int    // of them
}

// Check reports what is wrong with the options, if anything.
func (o Options) Check() error {
	switch o.JUnitFlaky {
	case "", "pass", "fail":
		return nil
	}
	return fmt.Errorf("junit-flaky %q: want pass or fail", o.JUnitFlaky)
}

// Select returns the formats of these names, those of Formats for no name. A name
// may hold several, parted by commas.
func Select(names []string) ([]Format, error) {
	all := append(Formats(), Extra()...)
	known := make([]string, len(all))
	wanted := map[string]bool{}
	for i, f := range all {
		known[i] = f.Name
	}
	for _, list := range names {
		for name := range strings.SplitSeq(list, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			switch name {
			case "":
				continue
			case "markdown":
				name = "md"
			}
			wanted[name] = true
		}
	}
	if len(wanted) == 0 {
		return Formats(), nil
	}
	var chosen []Format
	for _, f := range all {
		if wanted[f.Name] {
			chosen = append(chosen, f)
			delete(wanted, f.Name)
		}
	}
	for name := range wanted {
		return nil, fmt.Errorf("report format %q: unknown; choose from %s", oneLine(name, 60), strings.Join(known, ", "))
	}
	return chosen, nil
}

// WriteAll writes the reports of these formats (see Select) into dir, which it
// makes if need be, and returns their paths. Either all of them are replaced or,
// on an error before the last step, none: each is written beside its place first.
func WriteAll(dir string, formats []string, r *harness.Result, o Options) (files []string, err error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	chosen, err := Select(formats)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the output directory: %w", err)
	}
	temps := make([]string, 0, len(chosen))
	defer func() {
		for _, t := range temps {
			if rm := os.Remove(t); rm != nil && !errors.Is(rm, os.ErrNotExist) && err == nil {
				err = fmt.Errorf("remove a temporary report: %w", rm)
			}
		}
	}()
	for _, f := range chosen {
		temp, err := writeTemp(dir, f, r, o)
		if temp != "" {
			temps = append(temps, temp)
		}
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", filepath.Join(dir, f.File), err)
		}
	}
	for i, f := range chosen {
		to := filepath.Join(dir, f.File)
		if err := os.Rename(temps[i], to); err != nil {
			return files, fmt.Errorf("put %s in place: %w", to, err)
		}
		files = append(files, to)
	}
	return files, nil
}

// writeTemp writes one report to a temporary file in dir. The name is returned
// whenever the file exists.
func writeTemp(dir string, f Format, r *harness.Result, o Options) (name string, err error) {
	file, err := os.CreateTemp(dir, "."+f.File+".*")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	buf := bufio.NewWriterSize(file, 1<<16)
	if err := f.Write(buf, r, o); err != nil {
		return file.Name(), err
	}
	if err := buf.Flush(); err != nil {
		return file.Name(), err
	}
	return file.Name(), nil // only its owner may read it: it quotes what passed on the wire
}
