package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness/store"
	"github.com/flakehunt/flakehunt/harness/trend"
)

const importHelp = `Add earlier test reports to the history, so that a team's past counts from day
one: JUnit XML, the output of go test -json, CTRF, TRX, NUnit 2 and 3, and TAP,
each recognised by its content. PATH is a file, or a directory that is searched
for *.xml, *.trx, *.json, *.jsonl, *.ndjson and *.tap. A file's time is the
earliest that it tells, else that of the file itself. A file that is imported
again counts once. Of a file that ends in the middle the head counts, and the
loss is told.

Several files are one run by --runs:

  auto   with --ci-run all files; else files that have no test in common and
         began within an hour of each other, those of one directory first
  one    all files that are named
  dir    those of each directory
  file   each file is a run of its own

With --ci-run, files that are imported later are added to the same run.

` + exitHelp

// importFlags is what import is asked to do.
type importFlags struct {
	db, date, runs string
	meta           trend.Meta
}

func newImportCmd(a *app) *cobra.Command {
	o := importFlags{runs: "auto"}
	c := &cobra.Command{
		Use:     "import --db FILE PATH…",
		Short:   "Add earlier test reports to the history",
		Long:    importHelp,
		Example: "  flakehunt import --db flakehunt.db artifacts/\n  flakehunt import --db flakehunt.db --commit 1f2e3d4 --branch main --ci-run 4711 junit-*.xml",
		Args: func(c *cobra.Command, args []string) error {
			return atLeastOne(args, "import: name report files or directories that hold some")
		},
		RunE: func(c *cobra.Command, args []string) error { return importReports(c.Context(), a, o, args) },
	}
	f := c.Flags()
	f.StringVar(&o.db, "db", "", "history database, made if need be")
	f.StringVar(&o.meta.Commit, "commit", "", "commit that the files are of")
	f.StringVar(&o.meta.Branch, "branch", "", "branch that the files are of")
	f.StringVar(&o.meta.CIRun, "ci-run", "", "CI run that the files are of: they are one run")
	f.StringVar(&o.date, "date", "", "when they ran, as 2026-01-31 or 2026-01-31T12:00:00Z (default: what they say)")
	f.StringVar(&o.runs, "runs", o.runs, "which files are one run: auto, one, dir or file")
	return c
}

// importReports adds the reports that the arguments name to the history.
func importReports(ctx context.Context, a *app, o importFlags, args []string) error {
	if o.db == "" {
		return usagef("import: which history? name its file with --db, as in --db flakehunt.db")
	}
	if !slices.Contains([]string{"auto", "one", "dir", "file"}, o.runs) {
		return usagef("--runs %q: want auto, one, dir or file", o.runs)
	}
	at, err := parseDate(o.date)
	if err != nil {
		return err
	}
	files, err := reportFiles(args)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, o.db)
	if err != nil {
		return harnessError(err)
	}
	i := importer{a: a, store: s, meta: o.meta, at: at, runs: o.runs}
	return errors.Join(i.files(ctx, files), s.Close())
}

// parseDate reads a date, or none.
func parseDate(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, nil
		}
	}
	return time.Time{}, usagef("--date %q: want 2026-01-31 or 2026-01-31T12:00:00Z", s)
}

// reportNames end the names of files that are looked for in directories.
var reportNames = []string{".xml", ".trx", ".json", ".jsonl", ".ndjson", ".tap"}

// reportFiles finds the files that the arguments name, in order, each once.
func reportFiles(args []string) ([]string, error) {
	var files []string
	add := func(path string) {
		if path = filepath.Clean(path); !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, usagef("import: %w", err)
		}
		if !info.IsDir() {
			add(arg)
			continue
		}
		found := false
		err = filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && slices.Contains(reportNames, strings.ToLower(filepath.Ext(path))) {
				add(path)
				found = true
			}
			return err
		})
		if err != nil {
			return nil, usagef("import: %w", err)
		}
		if !found {
			return nil, usagef("import: %s holds no *%s", arg, strings.Join(reportNames, ", *"))
		}
	}
	return files, nil
}
