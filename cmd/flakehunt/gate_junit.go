package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// reportSet is what gate --junit reads its run from.
type reportSet struct {
	contents []string // names of the files' contents
	damaged  int      // files that could not be read, or not whole
}

// judged gives the run that is to be judged: what a hunt wrote to dir, or the
// reports of an ordinary run.
func judged(say *messages, dir string, f gateFlags) (*harness.Result, reportSet, error) {
	if len(f.junit) == 0 {
		r, err := readRun(dir)
		return r, reportSet{}, err
	}
	var files []string
	for _, glob := range f.junit {
		found, err := doublestar.FilepathGlob(glob, doublestar.WithFilesOnly())
		if err != nil {
			return nil, reportSet{}, usagef("--junit %q: not a valid pattern: * and ? match within a name, ** any depth, [a-z] a class, {a,b} alternatives", glob)
		}
		if len(found) == 0 {
			return nil, reportSet{}, usagef("--junit %q: no file matches: did the tests run, and write their report there?", glob)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return readReports(say, slices.Compact(files))
}

// readReports makes one run of report files. One that cannot be read is told.
func readReports(say *messages, files []string) (*harness.Result, reportSet, error) {
	var set reportSet
	var all []ingest.Case
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, set, usagef("--junit: %w", err)
		}
		cases, _, err := ingest.ReadReport(bytes.NewReader(text))
		if err != nil {
			fmt.Fprintf(say.err, "flakehunt: gate: %s: %s: %s were read\n", file, oneLine(err), phrase.Plural(len(cases), "result"))
			set.damaged++
		}
		all = append(all, cases...)
		set.contents = append(set.contents, contentID(text))
	}
	var names ingest.Names
	names.Assign(all)
	start := earliest(all)
	trial := harness.Trial{Index: 1, Start: start, Outcomes: ingest.Outcomes(all)}
	return &harness.Result{Version: harness.ResultVersion, Tool: "junit", Started: start, TrialsDone: 1,
		Tests: summary.Tests([]harness.Trial{trial})}, set, nil
}
