CREATE TABLE runs (
	id         INTEGER PRIMARY KEY,
	key        TEXT NOT NULL UNIQUE, -- the run's own id
	started    INTEGER NOT NULL,     -- Unix nanoseconds
	source     TEXT NOT NULL,        -- flakehunt, junit
	conditions TEXT NOT NULL,        -- only equal ones compare
	commit_    TEXT NOT NULL,
	branch     TEXT NOT NULL,
	ci         TEXT NOT NULL,
	ci_run     TEXT NOT NULL,
	url        TEXT NOT NULL,
	pr         TEXT NOT NULL,
	dirty      INTEGER NOT NULL,
	trials     INTEGER NOT NULL,
	seed       TEXT NOT NULL,        -- decimal: exceeds SQLite's signed integers
	tool       TEXT NOT NULL
);
CREATE INDEX runs_started ON runs (started, id);

CREATE TABLE tests (
	id       INTEGER PRIMARY KEY,
	name     TEXT NOT NULL UNIQUE,
	suite    TEXT NOT NULL,
	category TEXT NOT NULL,
	file     TEXT NOT NULL,
	line     INTEGER NOT NULL
);

-- One row a run and test, whatever the number of trials: the strip keeps their
-- order, run-length coded, and is NULL when all passed.
CREATE TABLE results (
	test     INTEGER NOT NULL REFERENCES tests (id),
	run      INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	runs     INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	skips    INTEGER NOT NULL,
	infra    INTEGER NOT NULL,
	status   TEXT NOT NULL,
	p50      INTEGER NOT NULL, -- nanoseconds
	p99      INTEGER NOT NULL,
	strip    TEXT,
	PRIMARY KEY (run, test)
) WITHOUT ROWID;

CREATE TABLE failures (
	run         INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	test        INTEGER NOT NULL REFERENCES tests (id),
	fingerprint TEXT NOT NULL,
	kind        TEXT NOT NULL,
	message     TEXT NOT NULL, -- first lines only
	cause       TEXT NOT NULL,
	natural     INTEGER NOT NULL, -- 1: without a schedule aimed at it
	count       INTEGER NOT NULL,
	PRIMARY KEY (run, test, fingerprint)
) WITHOUT ROWID;
CREATE INDEX failures_test ON failures (test, fingerprint);
