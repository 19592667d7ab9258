package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/runner/ingest"
	"github.com/flakehunt/flakehunt/harness/store"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/harness/trend"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// importer adds report files to a history.
type importer struct {
	a     *app
	store *store.Store
	meta  trend.Meta
	at    time.Time // when the files ran; zero: what they say
	runs  string    // which files are one run
	bad   int       // files passed over
	cut   int       // files whose head alone was read
	seed  maphash.Seed
}

// reportFile is what a first look at a file tells.
type reportFile struct {
	path    string
	key     string // of its content, commit and CI run
	content string
	start   time.Time
	tests   map[uint64]struct{} // which tests, hashed: a year of files is looked at before any is recorded
}

// oneRun is how far apart the files of one run may begin.
const oneRun = time.Hour

// files records the files. One that is no report is told and passed over: among
// a year of artifacts some are damaged.
func (i *importer) files(ctx context.Context, paths []string) error {
	i.seed = maphash.MakeSeed()
	var files []reportFile
	for _, path := range paths {
		f, err := i.look(path)
		if err != nil {
			fmt.Fprintf(i.a.err, "flakehunt: import: %s: %s: passed over\n", path, oneLine(err))
			i.bad++
			continue
		}
		files = append(files, f)
	}
	runs, tests, known := 0, 0, 0
	for _, group := range i.group(files) {
		n, added, err := i.record(ctx, group)
		if err != nil {
			return harnessError(err)
		}
		runs++
		tests += n
		known += len(group) - added
	}
	fmt.Fprintf(i.a.out, "imported %s with %s of tests into %s", phrase.Plural(runs, "run"), phrase.Plural(tests, "result"), i.store.Path())
	for _, more := range []struct {
		n    int
		what string
	}{{known, "known already"}, {i.cut, "read in part"}, {i.bad, "passed over"}} {
		if more.n > 0 {
			fmt.Fprintf(i.a.out, "; %s %s", phrase.Plural(more.n, "file"), more.what)
		}
	}
	fmt.Fprintln(i.a.out)
	if runs == 0 {
		return usagef("import: no file could be read as a test report")
	}
	return nil
}

// look reads a file once, to know which run it belongs to. A file whose head
// alone can be read is told.
func (i *importer) look(path string) (reportFile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return reportFile{}, err
	}
	cases, format, err := ingest.ReadReport(bytes.NewReader(text))
	switch {
	case len(cases) == 0 && err != nil:
		return reportFile{}, err
	case len(cases) == 0:
		return reportFile{}, fmt.Errorf("it holds no test (%s)", format)
	case err != nil:
		fmt.Fprintf(i.a.err, "flakehunt: import: %s: %s: %s were read\n", path, oneLine(err), phrase.Plural(len(cases), "result"))
		i.cut++
	}
	info, err := os.Stat(path)
	if err != nil {
		return reportFile{}, err
	}
	// The content names the file: from elsewhere it is the same.
	sum := sha256.Sum256(append([]byte(i.meta.Commit+"\n"+i.meta.CIRun+"\n"), text...))
	f := reportFile{path: path, key: "junit-" + hex.EncodeToString(sum[:12]), content: contentID(text), start: info.ModTime(), tests: map[uint64]struct{}{}}
	if first := earliest(cases); !first.IsZero() {
		f.start = first
	}
	if !i.at.IsZero() {
		f.start = i.at
	}
	for _, c := range cases {
		f.tests[maphash.String(i.seed, strings.Join(append([]string{c.Classname, c.Name, c.Test.File}, c.Path...), "\x00"))] = struct{}{}
	}
	return f, nil
}

func contentID(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12])
}

// ciRunID names the run that all files of a CI run are.
func ciRunID(m trend.Meta) string {
	sum := sha256.Sum256([]byte(m.CIRun + "\n" + m.Commit))
	return "ci-" + hex.EncodeToString(sum[:12])
}

// earliest is the first time that the cases tell; zero when they tell none.
func earliest(cases []ingest.Case) (first time.Time) {
	for _, c := range cases {
		if !c.Start.IsZero() && (first.IsZero() || c.Start.Before(first)) {
			first = c.Start
		}
	}
	return first
}

// group says which files are one run.
func (i *importer) group(files []reportFile) [][]reportFile {
	slices.SortStableFunc(files, func(a, b reportFile) int { return cmp.Or(a.start.Compare(b.start), cmp.Compare(a.path, b.path)) })
	how := i.runs
	if how == "auto" && i.meta.CIRun != "" {
		how = "one"
	}
	var groups [][]reportFile
	for _, f := range files {
		at := -1
		switch how {
		case "one":
			at = len(groups) - 1
		case "dir":
			at = slices.IndexFunc(groups, func(g []reportFile) bool { return filepath.Dir(g[0].path) == filepath.Dir(f.path) })
		case "auto":
			at = fitting(groups, f)
		}
		if at < 0 {
			groups, at = append(groups, nil), len(groups)
		}
		groups[at] = append(groups[at], f)
	}
	return groups
}

// fitting finds the run that a file completes: the latest that has none of its
// tests and began less than an hour before, one of the same directory if there
// is any. It is -1 when there is none.
func fitting(groups [][]reportFile, f reportFile) int {
	best := -1
	for n := len(groups) - 1; n >= 0 && f.start.Sub(groups[n][0].start) <= oneRun; n-- {
		g := groups[n]
		if slices.ContainsFunc(g, func(o reportFile) bool { return common(o.tests, f.tests) }) {
			continue
		}
		if slices.ContainsFunc(g, func(o reportFile) bool { return filepath.Dir(o.path) == filepath.Dir(f.path) }) {
			return n
		}
		if best < 0 {
			best = n
		}
	}
	return best
}

func common(a, b map[uint64]struct{}) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	for t := range a {
		if _, ok := b[t]; ok {
			return true
		}
	}
	return false
}

// record adds the files of one run, and returns how many results of tests they
// held and how many files were new.
func (i *importer) record(ctx context.Context, group []reportFile) (tests, added int, err error) {
	var all []ingest.Case
	ends := make([]int, len(group)) // of each file's cases
	for n, f := range group {
		text, err := os.ReadFile(f.path)
		if err != nil {
			return 0, 0, err
		}
		cases, _, err := ingest.ReadReport(bytes.NewReader(text))
		if len(cases) == 0 {
			return 0, 0, fmt.Errorf("%s: %w", f.path, cmp.Or(err, errors.New("it changed while it was read")))
		}
		for _, c := range cases {
			c.Output = "" // a history keeps none
			if c.Failure != nil {
				c.Failure.Stack = ""
			}
			all = append(all, c)
		}
		ends[n] = len(all)
	}
	var names ingest.Names
	names.Assign(all)
	parts := make([]store.Part, len(group))
	from := 0
	for n, f := range group {
		outcomes := ingest.Outcomes(all[from:ends[n]])
		from = ends[n]
		trial := harness.Trial{Index: 1, Suite: outcomes[0].Test.Suite, Start: f.start, Outcomes: outcomes}
		r := &harness.Result{Version: harness.ResultVersion, Tool: "junit", Started: f.start, TrialsDone: 1, Tests: summary.Tests([]harness.Trial{trial})}
		parts[n] = store.Part{Key: f.key, Content: f.content, Result: r}
		tests += len(r.Tests)
	}
	run, err := i.runOf(ctx, group)
	if err != nil {
		return 0, 0, err
	}
	added, err = i.store.RecordParts(ctx, run, parts, i.meta)
	return tests, added, err
}

// runOf names the run of a group: that of the CI, else the one that has a file
// of the group already, else a new one.
func (i *importer) runOf(ctx context.Context, group []reportFile) (string, error) {
	if i.meta.CIRun != "" && (i.runs == "auto" || i.runs == "one") {
		return ciRunID(i.meta), nil
	}
	for _, f := range group {
		if run, err := i.store.RunOfPart(ctx, f.key); run != "" || err != nil {
			return run, err
		}
	}
	return group[0].key, nil
}
