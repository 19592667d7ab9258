-- How often a near miss of this shape turned out to be a flake: the directed
-- strategy tries what has paid off first.
CREATE TABLE learned (
	key   TEXT PRIMARY KEY,
	hits  INTEGER NOT NULL,
	tries INTEGER NOT NULL
) WITHOUT ROWID;
