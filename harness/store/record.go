package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// Sources of runs.
const (
	FromRun   = "flakehunt" // a run of ours
	FromJUnit = "junit"     // an imported file
)

// messageLimit is how many bytes of a failure's message are kept.
const messageLimit = 500

// RunID names a run by what it was: the same result recorded twice has one id.
func RunID(r *harness.Result, m trend.Meta) string {
	h := sha256.New()
	target, err := json.Marshal(r.Target)
	if err != nil {
		panic(err) // strings alone: cannot fail
	}
	fmt.Fprintf(h, "%d\n%d\n%s\n%s\n%s\n%s\n%s", r.Started.UnixNano(), r.Seed, target, r.Strategy, r.Shard, m.CIRun, m.Commit)
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Record keeps a result. Recording one again, or a longer one of the same run
// after --resume, replaces the first: nothing counts twice. It returns the run's id.
func (s *Store) Record(ctx context.Context, r *harness.Result, m trend.Meta) (string, error) {
	return s.RecordAs(ctx, RunID(r, m), FromRun, r, m)
}

// RecordAs is Record with an id and a source of the caller's choice; an import
// names the run by its file's content.
func (s *Store) RecordAs(ctx context.Context, id, source string, r *harness.Result, m trend.Meta) (string, error) {
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "DELETE FROM runs WHERE key = ?", id); err != nil {
			return err
		}
		w := writer{ctx: ctx, tx: tx}
		run, err := w.run(id, source, r, m)
		if err != nil {
			return err
		}
		if err := w.tests(run, r); err != nil {
			return err
		}
		return w.findings(run, r)
	})
	if err != nil {
		return "", fmt.Errorf("record run in %s: %w", s.path, err)
	}
	return id, nil
}

// writer writes one run within a transaction.
type writer struct {
	ctx context.Context // of the one call that made it
	tx  *sql.Tx
	ids map[string]int64 // tests by name
}

func (w *writer) run(id, source string, r *harness.Result, m trend.Meta) (int64, error) {
	res, err := w.tx.ExecContext(w.ctx, `INSERT INTO runs
		(key, started, source, conditions, commit_, branch, ci, ci_run, url, pr, dirty, trials, seed, tool)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, r.Started.UnixNano(), source, trend.ConditionsOf(r), m.Commit, m.Branch, m.CI, m.CIRun, m.URL,
		m.PullRequest, m.Dirty, r.TrialsDone, strconv.FormatUint(r.Seed, 10), r.Tool)
	if err != nil {
		return 0, err
	}
	return res.LastInsertId()
}

func (w *writer) tests(run int64, r *harness.Result) error {
	test, err := w.tx.PrepareContext(w.ctx, `INSERT INTO tests (name, suite, category, file, line) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET
			suite    = CASE excluded.suite    WHEN '' THEN suite    ELSE excluded.suite END,
			category = CASE excluded.category WHEN '' THEN category ELSE excluded.category END,
			file     = CASE excluded.file     WHEN '' THEN file     ELSE excluded.file END,
			line     = CASE excluded.line     WHEN 0  THEN line     ELSE excluded.line END
		RETURNING id`)
	if err != nil {
		return err
	}
	defer test.Close()
	result, err := w.tx.PrepareContext(w.ctx, `INSERT OR REPLACE INTO results
		(test, run, runs, failures, skips, infra, status, p50, p99, strip) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer result.Close()
	w.ids = make(map[string]int64, len(r.Tests))
	for i := range r.Tests {
		t := &r.Tests[i]
		var id int64
		if err := test.QueryRowContext(w.ctx, t.Name, t.Suite, t.Category, t.File, t.Line).Scan(&id); err != nil {
			return fmt.Errorf("test %s: %w", t.Name, err)
		}
		w.ids[t.Name] = id
		var strip any // NULL
		if p := packStrip(t.Strip); p != "" {
			strip = p
		}
		if _, err := result.ExecContext(w.ctx, id, run, t.Runs, t.Failures, t.Skips, t.Infra, string(t.Status),
			int64(t.P50), int64(t.P99), strip); err != nil {
			return fmt.Errorf("test %s: %w", t.Name, err)
		}
		if err := w.failures(run, id, t); err != nil {
			return fmt.Errorf("failures of %s: %w", t.Name, err)
		}
		if t.Margin != nil {
			if err := w.margin(run, *t.Margin, t.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) failures(run, test int64, t *harness.TestResult) error {
	for i := range t.Groups {
		g := &t.Groups[i]
		natural := g.Arm.Natural() || g.Arm == harness.Explore
		if _, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO failures
			(run, test, fingerprint, kind, message, cause, natural, count) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			run, test, g.Fingerprint, string(g.Kind), cut(g.Message), string(g.Cause), natural, g.Count); err != nil {
			return err
		}
	}
	return nil
}

// margin writes a margin unless the program enforces the order: that is no
// number to watch.
func (w *writer) margin(run int64, m harness.Margin, name string) error {
	id, known := w.ids[name]
	if !known || m.Ordered {
		return nil
	}
	if _, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO margins (run, test, edge, at, size, predicted) VALUES (?, ?, ?, ?, ?, ?)`,
		run, id, m.Edge, m.At.String(), int64(m.Size), m.Predicted); err != nil {
		return fmt.Errorf("margin of %s: %w", name, err)
	}
	return nil
}

func (w *writer) findings(run int64, r *harness.Result) error {
	for _, m := range r.Margins {
		if err := w.margin(run, m, m.Test); err != nil {
			return err
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		body, err := json.Marshal(f)
		if err != nil {
			return fmt.Errorf("finding %s: %w", f.ID, err)
		}
		if _, err := w.tx.ExecContext(w.ctx, `INSERT OR REPLACE INTO findings
			(run, fingerprint, finding, class, standing, title, body) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			run, f.Fingerprint, f.ID, string(f.Class), string(f.Standing), f.Title, string(body)); err != nil {
			return fmt.Errorf("finding %s: %w", f.ID, err)
		}
	}
	return nil
}

// cut shortens a message, at a rune's border, to what a list needs.
func cut(message string) string {
	message = strings.ToValidUTF8(message, "\uFFFD")
	if len(message) <= messageLimit {
		return message
	}
	return phrase.Cut(message, messageLimit) + "…"
}
