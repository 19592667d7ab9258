package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// Query chooses what to load. The zero value takes everything.
type Query struct {
	Branch     string    // only runs of this branch; empty: all
	Conditions *string   // only runs of these conditions; nil: all
	Since      time.Time // only runs that started at this time or later
	Last       int       // at most so many runs, the newest; 0: all
	Except     []string  // not the runs of these ids
	Suites     []string  // only tests of these suites; none: all
}

// where gives the condition on table runs and its arguments.
func (q Query) where() (string, []any) {
	cond, args := []string{"1"}, []any{}
	add := func(c string, a any) { cond, args = append(cond, c), append(args, a) }
	if q.Branch != "" {
		add("branch = ?", q.Branch)
	}
	if q.Conditions != nil {
		add("conditions = ?", *q.Conditions)
	}
	if !q.Since.IsZero() {
		add("started >= ?", q.Since.UnixNano())
	}
	for _, id := range q.Except {
		add("key <> ?", id)
	}
	last := q.Last
	if last <= 0 {
		last = math.MaxInt32
	}
	return "SELECT id FROM runs WHERE " + strings.Join(cond, " AND ") + " ORDER BY started DESC, id DESC LIMIT ?", append(args, last)
}

// History loads the past: runs oldest first, and of each test the runs that it
// took part in. Memory is about 32 bytes for each run of each test.
func (s *Store) History(ctx context.Context, q Query) (*trend.History, error) {
	h := &trend.History{}
	// One transaction: runs and results of one moment.
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("read history %s: %w", s.path, err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing was written
	chosen, args := q.where()
	index, err := loadRuns(ctx, tx, h, chosen, args)
	if err != nil {
		return nil, fmt.Errorf("read runs of %s: %w", s.path, err)
	}
	tests, err := loadTests(ctx, tx, h, q.Suites)
	if err != nil {
		return nil, fmt.Errorf("read tests of %s: %w", s.path, err)
	}
	if err := loadCells(ctx, tx, h, index, tests, chosen, args); err != nil {
		return nil, fmt.Errorf("read results of %s: %w", s.path, err)
	}
	if err := loadMargins(ctx, tx, h, index, tests, chosen, args); err != nil {
		return nil, fmt.Errorf("read margins of %s: %w", s.path, err)
	}
	if err := loadFound(ctx, tx, h, index, chosen, args); err != nil {
		return nil, fmt.Errorf("read findings of %s: %w", s.path, err)
	}
	if err := loadCauses(ctx, tx, h, chosen, args); err != nil {
		return nil, fmt.Errorf("read causes of %s: %w", s.path, err)
	}
	if err := loadSkips(ctx, tx, h, index, tests, chosen, args); err != nil {
		return nil, fmt.Errorf("read skipped tests of %s: %w", s.path, err)
	}
	kept := h.Tests[:0]
	for _, t := range h.Tests {
		if len(t.Cells) > 0 {
			kept = append(kept, t)
		} else if n := len(t.Skipped); n > 0 {
			h.Skipped = append(h.Skipped, trend.SkippedTest{TestID: t.TestID, Runs: n, In: t.Skipped})
		}
	}
	h.Tests = kept
	return h, nil
}

// loadRuns gives the index into h.Runs of each run's number in the database.
func loadRuns(ctx context.Context, tx *sql.Tx, h *trend.History, chosen string, args []any) (map[int64]int32, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, key, started, source, conditions, commit_, branch, ci, ci_run, url, pr, dirty, trials, seed
		FROM runs WHERE id IN (`+chosen+`) ORDER BY started, id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	index := map[int64]int32{}
	for rows.Next() {
		var r trend.Run
		var id, started int64
		var seed string
		if err := rows.Scan(&id, &r.ID, &started, &r.Source, &r.Conditions, &r.Commit, &r.Branch, &r.CI, &r.CIRun,
			&r.URL, &r.PullRequest, &r.Dirty, &r.Trials, &seed); err != nil {
			return nil, err
		}
		r.Started = time.Unix(0, started).UTC()
		if r.Seed, err = strconv.ParseUint(seed, 10, 64); err != nil {
			return nil, fmt.Errorf("run %s: seed %q: %w", r.ID, seed, err)
		}
		index[id] = int32(len(h.Runs))
		h.Runs = append(h.Runs, r)
	}
	return index, rows.Err()
}

// loadTests gives the index into h.Tests of each test's number in the database.
func loadTests(ctx context.Context, tx *sql.Tx, h *trend.History, suites []string) (map[int64]int, error) {
	query, args := "SELECT id, name, suite, category, file, line FROM tests", []any{}
	if len(suites) > 0 {
		query += " WHERE suite IN (?" + strings.Repeat(", ?", len(suites)-1) + ")"
		for _, s := range suites {
			args = append(args, s)
		}
	}
	rows, err := tx.QueryContext(ctx, query+" ORDER BY name", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	index := map[int64]int{}
	for rows.Next() {
		var t trend.Test
		var id int64
		if err := rows.Scan(&id, &t.Name, &t.Suite, &t.Category, &t.File, &t.Line); err != nil {
			return nil, err
		}
		index[id] = len(h.Tests)
		h.Tests = append(h.Tests, t)
	}
	return index, rows.Err()
}

func loadCells(ctx context.Context, tx *sql.Tx, h *trend.History, runs map[int64]int32, tests map[int64]int, chosen string, args []any) error {
	// CROSS JOIN fixes the order of the loops: run by run, oldest first, which
	// is how results lie in the file.
	rows, err := tx.QueryContext(ctx, `SELECT r.run, r.test, r.runs, r.failures, r.skips, r.p50 FROM
		(SELECT id FROM runs WHERE id IN (`+chosen+`) ORDER BY started, id) AS chosen CROSS JOIN results AS r ON r.run = chosen.id
		WHERE r.runs > 0`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var run, test, n, k, skips, p50 sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&run, &test, &n, &k, &skips, &p50); err != nil {
			return err
		}
		i, ok := tests[number(test)]
		if !ok {
			continue // of a suite that was not asked for
		}
		h.Tests[i].Cells = append(h.Tests[i].Cells, trend.Cell{
			Run: runs[number(run)], Runs: int32(number(n)), Failures: int32(number(k)), Skips: int32(number(skips)), P50: harness.Duration(number(p50)),
		})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	// The loops above give this order; a planner that took others must not
	// turn the past around.
	for i := range h.Tests {
		byRun := func(a, b trend.Cell) int { return cmp.Compare(a.Run, b.Run) }
		if c := h.Tests[i].Cells; !slices.IsSortedFunc(c, byRun) {
			slices.SortFunc(c, byRun)
		}
	}
	return nil
}

// loadSkips notes the runs in which a test was only skipped.
func loadSkips(ctx context.Context, tx *sql.Tx, h *trend.History, runs map[int64]int32, tests map[int64]int, chosen string, args []any) error {
	rows, err := tx.QueryContext(ctx, `SELECT run, test FROM results WHERE run IN (`+chosen+`) AND runs = 0 AND skips > 0`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var run, test int64
		if err := rows.Scan(&run, &test); err != nil {
			return err
		}
		if i, ok := tests[test]; ok {
			h.Tests[i].Skipped = append(h.Tests[i].Skipped, runs[run])
		}
	}
	for i := range h.Tests {
		slices.Sort(h.Tests[i].Skipped)
	}
	return rows.Err()
}

// loadCauses notes the causes of each test's failures, by the newest run that found
// each: one body a cause is read, however many runs found it.
func loadCauses(ctx context.Context, tx *sql.Tx, h *trend.History, chosen string, args []any) error {
	rows, err := tx.QueryContext(ctx, `SELECT finding, class, standing, title, json_extract(body, '$.tests'), max(run) FROM findings
		WHERE standing IN ('natural', 'provoked') AND run IN (`+chosen+`) GROUP BY finding ORDER BY max(run) DESC, finding`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	byName := map[string]int{}
	for i := range h.Tests {
		byName[h.Tests[i].Name] = i
	}
	for rows.Next() {
		var f trend.Found
		var list sql.NullString
		var run int64
		if err := rows.Scan(&f.ID, &f.Class, &f.Standing, &f.Title, &list, &run); err != nil {
			return err
		}
		var names []string
		if list.Valid && json.Unmarshal([]byte(list.String), &names) != nil {
			continue // of a version that kept them otherwise
		}
		for _, name := range names {
			if i, ok := byName[name]; ok {
				h.Tests[i].Causes = append(h.Tests[i].Causes, f)
			}
		}
	}
	return rows.Err()
}

// number reads a decimal that SQLite wrote; scanning into RawBytes spares an
// allocation for each of a million rows.
func number(b []byte) int64 {
	var n int64
	for _, c := range b {
		if c >= '0' && c <= '9' {
			n = 10*n + int64(c-'0')
		}
	}
	return n
}

// loadFound notes the causes that failed in each run: not what was only predicted.
func loadFound(ctx context.Context, tx *sql.Tx, h *trend.History, runs map[int64]int32, chosen string, args []any) error {
	rows, err := tx.QueryContext(ctx, `SELECT run, finding, class, standing, title FROM findings WHERE standing IN ('natural', 'provoked')
		AND run IN (`+chosen+`) ORDER BY run, finding`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var run int64
		var f trend.Found
		if err := rows.Scan(&run, &f.ID, &f.Class, &f.Standing, &f.Title); err != nil {
			return err
		}
		r := &h.Runs[runs[run]]
		r.Found = append(r.Found, f)
	}
	return rows.Err()
}

// loadMargins notes the smallest margin of each run and test.
func loadMargins(ctx context.Context, tx *sql.Tx, h *trend.History, runs map[int64]int32, tests map[int64]int, chosen string, args []any) error {
	rows, err := tx.QueryContext(ctx, `SELECT run, test, min(size) FROM margins WHERE run IN (`+chosen+`) GROUP BY run, test`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var run, test, size int64
		if err := rows.Scan(&run, &test, &size); err != nil {
			return err
		}
		i, ok := tests[test]
		if !ok {
			continue
		}
		at := runs[run]
		cells := h.Tests[i].Cells
		for j := range cells {
			if cells[j].Run == at {
				cells[j].HasMargin, cells[j].Margin = true, harness.Duration(size)
			}
		}
	}
	return rows.Err()
}

// Conditions gives the conditions of the newest run that the query chooses, and
// how many of the runs it chooses had others.
func (s *Store) Conditions(ctx context.Context, q Query) (newest string, others int, err error) {
	chosen, args := q.where()
	rows, err := s.db.QueryContext(ctx, "SELECT conditions FROM runs WHERE id IN ("+chosen+") ORDER BY started DESC, id DESC", args...)
	if err != nil {
		return "", 0, fmt.Errorf("read runs of %s: %w", s.path, err)
	}
	defer rows.Close()
	for first := true; rows.Next(); first = false {
		var c string
		if err := rows.Scan(&c); err != nil {
			return "", 0, fmt.Errorf("read runs of %s: %w", s.path, err)
		}
		if first {
			newest = c
		} else if c != newest {
			others++
		}
	}
	if err := rows.Err(); err != nil {
		return "", 0, fmt.Errorf("read runs of %s: %w", s.path, err)
	}
	return newest, others, nil
}
