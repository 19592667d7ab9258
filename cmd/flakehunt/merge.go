package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/reports"
)

func newMergeCmd(a *app) *cobra.Command {
	var out, db, junitFlaky string
	c := &cobra.Command{
		Use:   "merge DIR…",
		Short: "Join the results of shards",
		Long: `Join what the shards of one run wrote into one result with all its reports.
The order of directories does not matter, one that is given twice counts once,
and what does not belong together (another seed, strategy, target or schema, or a
trial that two of them ran) is refused. Its exit code is that of the whole run.

` + exitHelp,
		Example: "  flakehunt merge shard-1 shard-2 shard-3\n  flakehunt merge --out merged --db flakehunt.db artifacts/*",
		Args: func(c *cobra.Command, args []string) error {
			return atLeastOne(args, "merge: name the directories that the shards wrote, as in 'flakehunt merge shard-1 shard-2'")
		},
		RunE: func(c *cobra.Command, args []string) error {
			if err := (reports.Options{JUnitFlaky: junitFlaky}).Check(); err != nil {
				return usagef("--%w", err)
			}
			var parts []shard.Part
			for _, dir := range args {
				p, err := readPart(dir)
				if err != nil {
					return err
				}
				parts = append(parts, p)
			}
			r, trials, err := shard.Merge(parts)
			if err != nil {
				return usagef("%w", err)
			}
			a.mask.In(r)
			d, err := openDB(c.Context(), &a.messages, db)
			if err != nil {
				return err
			}
			defer d.close()
			if db != "" && r.Meta == nil {
				r.Meta = meta(c.Context()).Map()
			}
			past, err := d.past(c.Context(), r)
			if err = errors.Join(err, d.record(c.Context(), r)); err != nil {
				return err
			}
			if err := writeMerged(a, out, withPast(reports.Options{JUnitFlaky: junitFlaky}, past), args, r, trials); err != nil {
				return err
			}
			if r.Exit != exitClean {
				return &exitError{code: r.Exit}
			}
			return nil
		},
	}
	c.Flags().StringVar(&out, "out", "flakehunt-out", "directory to write to")
	c.Flags().StringVar(&db, "db", "", "history database to record the joined run in")
	c.Flags().StringVar(&junitFlaky, "junit-flaky", "pass", "a flaky test in junit.xml: pass or fail")
	return c
}

// readPart reads what one shard wrote: merging needs its result and its trials.
func readPart(dir string) (shard.Part, error) {
	p := shard.Part{Name: dir}
	f, err := os.Open(filepath.Join(dir, "result.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return p, usagef("merge: %s holds no result.json: name the directory that --out of a shard named; one that crashed can go on with 'flakehunt run --resume'", dir)
	}
	if err != nil {
		return p, usagef("merge: %w", err)
	}
	defer f.Close()
	if p.Result, err = reports.ReadJSON(f); err != nil {
		return p, usagef("merge: %s: %w", f.Name(), err)
	}
	j, err := os.Open(filepath.Join(dir, trial.JournalName))
	if err != nil {
		return p, usagef("merge: %w: results are summed up from the trials", err)
	}
	defer j.Close()
	c, err := trial.ReadJournal(j)
	if err != nil {
		return p, usagef("merge: %s: %w", j.Name(), err)
	}
	if bad := rundir.Foreign(p.Result.Seed, c.Trials); bad != nil {
		return p, usagef("merge: %s: %w", j.Name(), bad)
	}
	p.Trials = c.Trials
	for _, w := range c.Warnings() {
		p.Result.Warnings = append(p.Result.Warnings, dir+": "+w)
	}
	return p, nil
}

// writeMerged writes journal, findings and reports of the whole. The journal
// replaces an earlier one only if the target is one of the parts, or was.
func writeMerged(a *app, out string, o reports.Options, parts []string, r *harness.Result, trials []harness.Trial) error {
	lock, err := rundir.Take(out)
	if err != nil {
		return outError(out, err)
	}
	defer func() { _ = lock.Release() }() // the kernel does, too
	a.mask.In(&trials)
	if err := rundir.Gather(out, parts, trials); err != nil {
		return harnessError(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, t := range trials {
		if err := e.Encode(t); err != nil {
			return harnessError(fmt.Errorf("write trial %d: %w", t.Index, err))
		}
	}
	journal := filepath.Join(out, trial.JournalName)
	if _, err := os.Stat(journal); err == nil && !contains(parts, out) {
		if err := rundir.KeepAside(journal); err != nil {
			return harnessError(fmt.Errorf("keep the earlier journal: %w", err))
		}
	}
	if err := rundir.WriteWhole(journal, b.Bytes()); err != nil {
		return harnessError(fmt.Errorf("write %s: %w", journal, err))
	}
	if err := rundir.WriteFindings(out, r.Findings, trials); err != nil {
		return harnessError(err)
	}
	files, err := reports.WriteAll(out, nil, r, o)
	if err != nil {
		return harnessError(err)
	}
	if a.json {
		return reports.JSON(a.out, r, reports.Options{})
	}
	return printResult(a, r, files, true)
}

// contains reports whether one of the directories is dir.
func contains(dirs []string, dir string) bool {
	for _, d := range dirs {
		if filepath.Clean(d) == filepath.Clean(dir) {
			return true
		}
	}
	return false
}
