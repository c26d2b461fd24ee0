-- Providers to which no new credit is sent until an administrator resumes them.
CREATE TABLE credit_pauses (
    provider TEXT PRIMARY KEY,
    since BIGINT NOT NULL,
    who TEXT NOT NULL,
    note TEXT NOT NULL
);
