-- Imports that go on without anybody who waits for them: how far each is, and what came of it.
CREATE TABLE import_runs (
    name TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL,         -- who began it: user:3, token:5
    began_at BIGINT NOT NULL,
    heard_at BIGINT NOT NULL,    -- when it was last written
    description TEXT NOT NULL    -- JSON
);
CREATE INDEX import_runs_by_owner ON import_runs (owner, heard_at);
