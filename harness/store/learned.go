package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/flakehunt/flakehunt/harness"
)

// Learned gives how often each shape of near miss paid off so far: K hits in N
// tries, by key.
func (s *Store) Learned(ctx context.Context) (map[string]harness.Count, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT key, hits, tries FROM learned")
	if err != nil {
		return nil, fmt.Errorf("read what was learned from %s: %w", s.path, err)
	}
	defer rows.Close()
	out := map[string]harness.Count{}
	for rows.Next() {
		var key string
		var c harness.Count
		if err := rows.Scan(&key, &c.K, &c.N); err != nil {
			return nil, fmt.Errorf("read what was learned from %s: %w", s.path, err)
		}
		out[key] = c
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read what was learned from %s: %w", s.path, err)
	}
	return out, nil
}

// Learn adds to what was learned.
func (s *Store) Learn(ctx context.Context, more map[string]harness.Count) error {
	for key, c := range more {
		if c.K < 0 || c.N < c.K {
			return fmt.Errorf("learn in %s: %q: %d hits of %d tries cannot be", s.path, key, c.K, c.N)
		}
	}
	if len(more) == 0 {
		return nil
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for key, c := range more {
			if _, err := tx.ExecContext(ctx, `INSERT INTO learned (key, hits, tries) VALUES (?, ?, ?)
				ON CONFLICT (key) DO UPDATE SET hits = hits + excluded.hits, tries = tries + excluded.tries`, key, c.K, c.N); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("learn in %s: %w", s.path, err)
	}
	return nil
}
