package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// Part is what one imported file tells of a run.
type Part struct {
	Key     string // names the file's content, with its commit and CI run: the same file counts once
	Content string // names the file's content alone
	Result  *harness.Result
}

// RunsOfContent gives the ids of the runs that have one of these files, by the
// files' content.
func (s *Store) RunsOfContent(ctx context.Context, contents []string) ([]string, error) {
	var runs []string
	for _, c := range contents {
		rows, err := s.db.QueryContext(ctx, "SELECT DISTINCT runs.key FROM parts JOIN runs ON runs.id = parts.run WHERE parts.content = ?", c)
		if err != nil {
			return nil, fmt.Errorf("look for an imported file in %s: %w", s.path, err)
		}
		for rows.Next() {
			var run string
			if err = rows.Scan(&run); err != nil {
				break
			}
			runs = append(runs, run)
		}
		if err = errors.Join(err, rows.Err(), rows.Close()); err != nil {
			return nil, fmt.Errorf("look for an imported file in %s: %w", s.path, err)
		}
	}
	return runs, nil
}

// RunOfPart gives the id of the run that an imported file is a part of; empty
// when the history does not know it.
func (s *Store) RunOfPart(ctx context.Context, key string) (string, error) {
	var run string
	err := s.db.QueryRowContext(ctx, "SELECT runs.key FROM parts JOIN runs ON runs.id = parts.run WHERE parts.key = ?", key).Scan(&run)
	if errors.Is(err, sql.ErrNoRows) { // histories of before parts name a run by its one file
		err = s.db.QueryRowContext(ctx, "SELECT key FROM runs WHERE key = ?", key).Scan(&run)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("look for an imported file in %s: %w", s.path, err)
	}
	return run, nil
}

// RecordParts adds imported files to the run of this id, which it makes if need
// be. A part that the history knows already is left out. It returns how many
// were added.
func (s *Store) RecordParts(ctx context.Context, id string, parts []Part, m trend.Meta) (added int, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		added = 0
		for _, p := range parts {
			var known int
			if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM parts WHERE key = ?1", p.Key).Scan(&known); err != nil {
				return err
			}
			if known == 0 {
				if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM runs WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM parts WHERE run = runs.id)", p.Key).Scan(&known); err != nil {
					return err
				}
			}
			if known > 0 {
				continue
			}
			if err := addPart(ctx, tx, id, p, m); err != nil {
				return err
			}
			added++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("record imported files in %s: %w", s.path, err)
	}
	return added, nil
}

func addPart(ctx context.Context, tx *sql.Tx, id string, p Part, m trend.Meta) error {
	w := writer{ctx: ctx, tx: tx}
	var run, started int64
	err := tx.QueryRowContext(ctx, "SELECT id, started FROM runs WHERE key = ?", id).Scan(&run, &started)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		if run, err = w.run(id, FromJUnit, p.Result, m); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		if at := p.Result.Started.UnixNano(); at < started {
			if _, err := tx.ExecContext(ctx, "UPDATE runs SET started = ? WHERE id = ?", at, run); err != nil {
				return err
			}
		}
		// What the run has is read back and counted together with what comes.
		if err := w.join(run, p.Result); err != nil {
			return err
		}
	}
	if err := w.tests(run, p.Result); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO parts (key, content, run) VALUES (?, ?, ?)", p.Key, p.Content, run)
	return err
}

// join adds to the tests of r what the run has of them already.
func (w *writer) join(run int64, r *harness.Result) error {
	for i := range r.Tests {
		t := &r.Tests[i]
		var test, p50, p99 int64
		var runs, failures, skips, infra int
		var strip sql.NullString
		err := w.tx.QueryRowContext(w.ctx, `SELECT tests.id, runs, failures, skips, infra, p50, p99, strip FROM results
			JOIN tests ON tests.id = results.test WHERE results.run = ? AND tests.name = ?`, run, t.Name).
			Scan(&test, &runs, &failures, &skips, &infra, &p50, &p99, &strip)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return fmt.Errorf("test %s: %w", t.Name, err)
		}
		before, err := unpackStrip(strip.String, runs)
		if err != nil {
			return fmt.Errorf("test %s: %w", t.Name, err)
		}
		t.Strip = before + t.Strip
		t.Runs, t.Failures, t.Skips, t.Infra = t.Runs+runs, t.Failures+failures, t.Skips+skips, t.Infra+infra
		t.P50, t.P99 = max(t.P50, harness.Duration(p50)), max(t.P99, harness.Duration(p99))
		switch {
		case t.Failures > 0 && t.Failures < t.Runs:
			t.Status = harness.Flaky
		case t.Failures > 0:
			t.Status = harness.Broken
		case t.Runs > 0:
			t.Status = harness.Stable
		}
		if err := w.joinFailures(run, test, t); err != nil {
			return fmt.Errorf("failures of %s: %w", t.Name, err)
		}
	}
	return nil
}

// joinFailures adds to the failures of t those of the same kind that the run has.
func (w *writer) joinFailures(run, test int64, t *harness.TestResult) error {
	for i := range t.Groups {
		g := &t.Groups[i]
		var count int
		err := w.tx.QueryRowContext(w.ctx, "SELECT count FROM failures WHERE run = ? AND test = ? AND fingerprint = ?", run, test, g.Fingerprint).Scan(&count)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		g.Count += count
	}
	return nil
}
