package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

// SchemaVersion is the version of the schema that this build writes: the
// number of migrations.
func SchemaVersion() int {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	return len(names)
}

// migrate brings the file from whatever version it has to the newest, one
// migration after the other, all in one transaction: several processes may
// open a new file at once.
func (s *Store) migrate(ctx context.Context) error { return s.migrateTo(ctx, SchemaVersion()) }

func (s *Store) migrateTo(ctx context.Context, version int) error {
	var have int
	read := func(q interface {
		QueryRowContext(context.Context, string, ...any) *sql.Row
	}) error {
		return q.QueryRowContext(ctx, "PRAGMA user_version").Scan(&have)
	}
	// A look without a lock first: readers of a history that is up to date
	// should not wait for its writers.
	if err := read(s.db); err == nil && have == version {
		return nil
	}
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if err := read(tx); err != nil {
			return fmt.Errorf("read the schema's version: %w", err)
		}
		if have > version {
			return fmt.Errorf("its schema has version %d, this build knows %d: use a newer flakehunt", have, version)
		}
		if err := ours(ctx, tx); err != nil {
			return err
		}
		names, err := fs.Glob(migrations, "migrations/*.sql")
		if err != nil {
			return err
		}
		for _, name := range names[have:version] { // Glob sorts
			text, err := migrations.ReadFile(name)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("migrate by %s: %w", name, err)
			}
		}
		// A pragma takes no parameters; version is ours.
		_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
		return err
	})
}

// applicationID marks the file as ours in its header: "FLHT".
const applicationID = 0x464C4854

// ours refuses to add tables to another program's database.
func ours(ctx context.Context, tx *sql.Tx) error {
	var id, objects int
	if err := tx.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return fmt.Errorf("read whose file it is: %w", err)
	}
	if id == applicationID {
		return nil
	}
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&objects); err != nil {
		return fmt.Errorf("read whose file it is: %w", err)
	}
	if objects > 0 || id != 0 {
		return fmt.Errorf("it is another program's database: name another file")
	}
	_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}
