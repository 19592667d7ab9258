package store

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

// A file of each earlier version, with data in it, comes to the newest with
// the data still there.
func TestMigrationFromEachVersion(t *testing.T) {
	for version := range SchemaVersion() {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "old.db")
			old, err := open(path)
			require.NoError(t, err)
			require.NoError(t, old.migrateTo(t.Context(), version))
			if version >= 1 {
				_, err = old.db.ExecContext(t.Context(), `
					INSERT INTO runs VALUES (5, 'old', 1000, 'flakehunt', '', 'c0ffee', 'main', '', '', '', '', 0, 20, '42', 'flakehunt 0');
					INSERT INTO tests VALUES (3, 'b', 'smoke', '', 'b_test.go', 7);
					INSERT INTO results VALUES (3, 5, 20, 1, 0, 0, 'flaky', 1, 2, '19.F');
					INSERT INTO failures VALUES (5, 3, 'f00d', 'assertion', 'lost', '', 1, 1)`)
				require.NoError(t, err)
			}
			if version >= 2 {
				_, err = old.db.ExecContext(t.Context(), `
					INSERT INTO findings VALUES (5, 'cafe', 'F-00000001', 'ttl/missing', 'natural', 'a title', '{"id":"F-00000001"}');
					INSERT INTO margins VALUES (5, 3, 'SET k', 'kv>SET "k"', 7000000, 0)`)
				require.NoError(t, err)
			}
			require.NoError(t, old.Close())

			s, err := Open(t.Context(), path)
			require.NoError(t, err)
			defer s.Close()
			var have int
			require.NoError(t, s.db.QueryRowContext(t.Context(), "PRAGMA user_version").Scan(&have))
			assert.Equal(t, SchemaVersion(), have)
			_, err = s.Record(t.Context(), result(0, 20, 1), trend.Meta{})
			require.NoError(t, err)
			require.NoError(t, s.Learn(t.Context(), map[string]harness.Count{"k": {N: 1}}))
			h, err := s.History(t.Context(), Query{})
			require.NoError(t, err)
			if version == 0 {
				assert.Len(t, h.Runs, 1)
				return
			}
			require.Len(t, h.Runs, 2)
			assert.Equal(t, "c0ffee", h.Runs[0].Commit)
			assert.Equal(t, harness.Count{K: 2, N: 40}, h.Find("b").Total())
			assert.Equal(t, version >= 2, h.Find("b").Cells[0].HasMargin)
		})
	}
}

func TestNewerAndForeignFilesAreLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "newer.db")
	s, err := Open(t.Context(), path)
	require.NoError(t, err)
	_, err = s.db.ExecContext(t.Context(), "PRAGMA user_version = 99")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = Open(t.Context(), path)
	assert.ErrorContains(t, err, "use a newer flakehunt")

	path = filepath.Join(t.TempDir(), "foreign.db")
	s, err = open(path)
	require.NoError(t, err)
	_, err = s.db.ExecContext(t.Context(), "CREATE TABLE addresses (name TEXT)")
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = Open(t.Context(), path)
	assert.ErrorContains(t, err, "another program's database")
}
