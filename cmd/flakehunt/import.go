package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/store"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/harness/trend"
)

func newImportCmd(a *app) *cobra.Command {
	var db, date string
	var m trend.Meta
	c := &cobra.Command{
		Use:   "import --db FILE PATH…",
		Short: "Add earlier JUnit files to the history",
		Long: `Add earlier JUnit XML files to the history, each as one run, so that a team's
past counts from day one. PATH is a file, or a directory that is searched for
*.xml. A file's time is that of its test suites, else of the file itself. A file
that is imported again counts once.

` + exitHelp,
		Example: "  flakehunt import --db flakehunt.db artifacts/\n  flakehunt import --db flakehunt.db --commit 1f2e3d4 --branch main junit.xml",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("import: name JUnit files or directories that hold some")
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if db == "" {
				return usagef("import: which history? name its file with --db, as in --db flakehunt.db")
			}
			var at time.Time
			if date != "" {
				var err error
				if at, err = parseDate(date); err != nil {
					return err
				}
			}
			files, err := junitFiles(args)
			if err != nil {
				return err
			}
			s, err := store.Open(c.Context(), db)
			if err != nil {
				return harnessError(err)
			}
			return errors.Join(a.importFiles(c.Context(), s, files, m, at), s.Close())
		},
	}
	f := c.Flags()
	f.StringVar(&db, "db", "", "history database, made if need be")
	f.StringVar(&m.Commit, "commit", "", "commit that the files are of")
	f.StringVar(&m.Branch, "branch", "", "branch that the files are of")
	f.StringVar(&m.CIRun, "ci-run", "", "CI run that the files are of")
	f.StringVar(&date, "date", "", "when they ran, as 2026-01-31 or 2026-01-31T12:00:00Z (default: what they say)")
	return c
}

func parseDate(s string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usagef("--date %q: want 2026-01-31 or 2026-01-31T12:00:00Z", s)
}

// junitFiles finds the files that the arguments name, in order.
func junitFiles(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, usagef("import: %w", err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		n := len(files)
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.EqualFold(filepath.Ext(path), ".xml") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, usagef("import: %w", err)
		}
		if len(files) == n {
			return nil, usagef("import: %s holds no *.xml", arg)
		}
	}
	return files, nil
}

// importFiles records each file. One that is no JUnit file is told and passed
// over: among a year of artifacts some are damaged.
func (a *app) importFiles(ctx context.Context, s *store.Store, files []string, m trend.Meta, at time.Time) error {
	runs, tests, bad := 0, 0, 0
	for _, file := range files {
		n, err := importFile(ctx, s, file, m, at)
		var damaged *damagedError
		switch {
		case errors.As(err, &damaged):
			fmt.Fprintf(a.err, "flakehunt: import: %s: %s: passed over\n", file, oneLine(err))
			bad++
		case err != nil:
			return harnessError(err)
		default:
			runs, tests = runs+1, tests+n
		}
	}
	fmt.Fprintf(a.out, "imported %d runs with %d results of tests into %s", runs, tests, s.Path())
	if bad > 0 {
		fmt.Fprintf(a.out, "; %d files passed over", bad)
	}
	fmt.Fprintln(a.out)
	if runs == 0 {
		return usagef("import: no file could be read as JUnit XML")
	}
	return nil
}

// damagedError says that a file could not be read as JUnit.
type damagedError struct{ error }

func (e *damagedError) Unwrap() error { return e.error }

func importFile(ctx context.Context, s *store.Store, file string, m trend.Meta, at time.Time) (int, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, &damagedError{err}
	}
	outcomes, err := ingest.JUnit(bytes.NewReader(text))
	if err != nil {
		return 0, &damagedError{err}
	}
	if len(outcomes) == 0 {
		return 0, &damagedError{errors.New("it holds no test")}
	}
	info, err := os.Stat(file)
	if err != nil {
		return 0, &damagedError{err}
	}
	start := info.ModTime()
	if first := slices.MinFunc(outcomes, func(x, y harness.Outcome) int { return x.Start.Compare(y.Start) }); !first.Start.IsZero() {
		start = first.Start
	}
	if !at.IsZero() {
		start = at
	}
	trial := harness.Trial{Index: 1, Suite: outcomes[0].Test.Suite, Start: start, Outcomes: outcomes}
	r := &harness.Result{Version: harness.ResultVersion, Tool: "junit", Started: start, TrialsDone: 1, Tests: summary.Tests([]harness.Trial{trial})}
	// The content names the run: the same file from elsewhere is the same run.
	sum := sha256.Sum256(append([]byte(m.Commit+"\n"+m.CIRun+"\n"), text...))
	_, err = s.RecordAs(ctx, "junit-"+hex.EncodeToString(sum[:12]), store.FromJUnit, r, m)
	return len(r.Tests), err
}
