CREATE TABLE findings (
	run         INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	fingerprint TEXT NOT NULL,
	finding     TEXT NOT NULL, -- F-xxxxxxxx
	class       TEXT NOT NULL,
	standing    TEXT NOT NULL,
	title       TEXT NOT NULL,
	body        TEXT NOT NULL, -- the finding file's JSON
	PRIMARY KEY (run, fingerprint)
) WITHOUT ROWID;
CREATE INDEX findings_fingerprint ON findings (fingerprint);

CREATE TABLE margins (
	run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	test INTEGER NOT NULL REFERENCES tests (id),
	edge TEXT NOT NULL,
	at   TEXT NOT NULL,    -- the point's ID
	size INTEGER NOT NULL, -- nanoseconds
	predicted INTEGER NOT NULL,
	PRIMARY KEY (run, test, edge, at)
) WITHOUT ROWID;
