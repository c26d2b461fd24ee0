-- Who changed what of the platform itself, and when. What happened to an order stands in events.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    deed TEXT NOT NULL        -- JSON; never holds a setting's value
);
INSERT INTO numbers (what, last) VALUES ('audit', 0);
