-- Uploads that were examined and wait for their user's confirmation, which may come to another process.
CREATE TABLE pending_uploads (
    kind TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    name TEXT NOT NULL,          -- what the confirmation has to name
    since BIGINT NOT NULL,
    description TEXT NOT NULL,   -- JSON
    content BYTEA NOT NULL,
    PRIMARY KEY (kind, user_id)
);
