package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// Known gives the failures that the chosen runs saw: for each test by name, when
// each failure fingerprint was seen first.
func (s *Store) Known(ctx context.Context, q Query) (map[string]map[string]trend.Seen, error) {
	chosen, args := q.where()
	rows, err := s.db.QueryContext(ctx, `SELECT t.name, f.fingerprint, min(r.started), max(r.started), sum(f.count), f.message
		FROM failures AS f JOIN runs AS r ON r.id = f.run JOIN tests AS t ON t.id = f.test
		WHERE f.run IN (`+chosen+`) GROUP BY t.name, f.fingerprint`, args...)
	if err != nil {
		return nil, fmt.Errorf("read failures of %s: %w", s.path, err)
	}
	defer rows.Close()
	out := map[string]map[string]trend.Seen{}
	for rows.Next() {
		var test, fingerprint string
		var seen trend.Seen
		var first, last int64
		if err := rows.Scan(&test, &fingerprint, &first, &last, &seen.Count, &seen.Message); err != nil {
			return nil, fmt.Errorf("read failures of %s: %w", s.path, err)
		}
		seen.First, seen.Last = time.Unix(0, first).UTC(), time.Unix(0, last).UTC()
		if out[test] == nil {
			out[test] = map[string]trend.Seen{}
		}
		out[test][fingerprint] = seen
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read failures of %s: %w", s.path, err)
	}
	return out, nil
}

// Findings gives the newest record of each finding in the chosen runs, by
// fingerprint.
func (s *Store) Findings(ctx context.Context, q Query) (map[string]harness.Finding, error) {
	chosen, args := q.where()
	rows, err := s.db.QueryContext(ctx, `SELECT f.fingerprint, f.body FROM findings AS f JOIN runs AS r ON r.id = f.run
		WHERE f.run IN (`+chosen+`) ORDER BY r.started, r.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("read findings of %s: %w", s.path, err)
	}
	defer rows.Close()
	out := map[string]harness.Finding{}
	for rows.Next() {
		var fingerprint, body string
		if err := rows.Scan(&fingerprint, &body); err != nil {
			return nil, fmt.Errorf("read findings of %s: %w", s.path, err)
		}
		var f harness.Finding
		if err := json.Unmarshal([]byte(body), &f); err != nil {
			return nil, fmt.Errorf("read finding %s of %s: %w", fingerprint, s.path, err)
		}
		out[fingerprint] = f
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read findings of %s: %w", s.path, err)
	}
	return out, nil
}
