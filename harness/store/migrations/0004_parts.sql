-- The imported files that a run is made of: each counts once.
CREATE TABLE parts (
	key     TEXT PRIMARY KEY, -- of the file's content, commit and CI run
	content TEXT NOT NULL,    -- of the file's content alone
	run     INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX parts_run ON parts (run);
CREATE INDEX parts_content ON parts (content);
