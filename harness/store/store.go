package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite" // also registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// wait is how long a writer waits for the others: each holds the file for
// milliseconds, so this is reached only when one hangs.
const wait = 30 * time.Second

// Store is an open history. Its methods may be called from several goroutines,
// and several processes may have the file open.
type Store struct {
	db   *sql.DB
	path string
}

// Open opens the history in the file, which it makes if need be, and brings
// its schema up to date. Close it after use.
func Open(ctx context.Context, path string) (*Store, error) {
	if path == "" {
		return nil, errors.New("open history: no file named: give one with --db")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("open history %s: it is a directory: name a file in it", path)
	}
	s, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(describe(path, err), s.Close())
	}
	return s, nil
}

// OpenExisting is Open for readers: a file that is not there is an error, not a
// new and empty history.
func OpenExisting(ctx context.Context, path string) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("open history: %w: record one with 'flakehunt run --db %s' or 'flakehunt import'", err, path)
	}
	return Open(ctx, path)
}

func open(path string) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open history %s: %w", path, err)
	}
	q := url.Values{}
	// In this order: switching a new file to WAL may itself have to wait.
	q.Add("_pragma", fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()))
	q.Add("_pragma", "journal_mode(WAL)")
	q.Add("_pragma", "synchronous(NORMAL)") // a power cut may lose the last run, never the file
	q.Add("_pragma", "foreign_keys(1)")
	// A transaction that reads and then writes cannot be made to wait if
	// another wrote in between: take the lock at once.
	q.Set("_txlock", "immediate")
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open history %s: %w", path, err)
	}
	return &Store{db: db, path: path}, nil
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Path gives the file's name as it was opened.
func (s *Store) Path() string { return s.path }

// inTx runs fn in a transaction and starts it again while another process
// keeps the file locked beyond SQLite's own waiting (which it refuses to do
// where a deadlock could be).
func (s *Store) inTx(ctx context.Context, fn func(*sql.Tx) error) error {
	deadline := time.Now().Add(wait)
	for pause := time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := s.once(ctx, fn)
		if err == nil || !busy(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (s *Store) once(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		if back := tx.Rollback(); back != nil && !errors.Is(back, sql.ErrTxDone) {
			return errors.Join(err, fmt.Errorf("roll back: %w", back))
		}
		return err
	}
	return tx.Commit()
}

func busy(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	code := e.Code() & 0xff
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

// describe puts SQLite's codes into words that say how to mend it.
func describe(path string, err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
			return fmt.Errorf("open history %s: it is no SQLite database, or damaged: name another file (%w)", path, err)
		case sqlite3.SQLITE_CANTOPEN:
			return fmt.Errorf("open history %s: cannot be opened: does its directory exist, and may you write there? (%w)", path, err)
		case sqlite3.SQLITE_READONLY:
			return fmt.Errorf("open history %s: it cannot be written: check its permissions (%w)", path, err)
		}
	}
	return fmt.Errorf("open history %s: %w", path, err)
}
