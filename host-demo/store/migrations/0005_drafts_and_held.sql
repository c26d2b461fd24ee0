-- The action that the automation leaves to an operator: the order was waiting when its mall's automation of
-- that action was switched on for orders to come alone.
ALTER TABLE orders ADD COLUMN held TEXT;

-- What a form leaves with the server until it is sent again: secrets that were typed and are not saved yet,
-- which must not go back to a browser, and new tokens, which are shown once.
CREATE TABLE drafts (
    name TEXT PRIMARY KEY,    -- hashed
    session TEXT NOT NULL,    -- hashed; nobody else finds it
    content TEXT NOT NULL,    -- encrypted
    expires_at BIGINT NOT NULL
);
CREATE INDEX drafts_by_session ON drafts (session, expires_at);
