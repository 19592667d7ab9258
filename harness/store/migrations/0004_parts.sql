-- The imported files that a run is made of: each counts once.
CREATE TABLE parts (
	key TEXT PRIMARY KEY, -- of the file's content
	run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX parts_run ON parts (run);
