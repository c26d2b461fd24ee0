-- One schema for SQLite and PostgreSQL: only types and words that mean the same to both.
--
-- Amounts are whole yen, times are milliseconds since 1970-01-01T00:00:00Z, dates are Japan's. Yes and
-- no are 1 and 0. Columns named *_key hold bytes: they are compared as bytes, whatever the database's
-- collation is.

-- One row: what makes this store's references different from any other store's, and what tells a
-- wrong key of the secrets before it does harm.
CREATE TABLE store (
    one BIGINT PRIMARY KEY CHECK (one = 1),
    prefix TEXT NOT NULL,
    key_check TEXT NOT NULL   -- encrypted
);

-- The number that was given out last, for each kind of thing.
CREATE TABLE numbers (
    what TEXT PRIMARY KEY,
    last BIGINT NOT NULL
);
INSERT INTO numbers (what, last) VALUES ('order', 0), ('account', 0), ('batch', 0), ('user', 0), ('token', 0);

-- A shop as a provider's customer: the ids and keys that it has there. A registration keeps the account
-- under which it was made, whatever its mall does later.
CREATE TABLE accounts (
    id BIGINT PRIMARY KEY,
    mall TEXT NOT NULL,
    provider TEXT NOT NULL,
    settings TEXT NOT NULL,   -- JSON, each value encrypted
    since BIGINT NOT NULL,
    version BIGINT NOT NULL   -- counts every change
);
CREATE INDEX accounts_by_mall ON accounts (mall, id);

CREATE TABLE malls (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    account BIGINT NOT NULL REFERENCES accounts (id),
    fees TEXT NOT NULL,       -- JSON
    invoice TEXT NOT NULL,
    automation TEXT NOT NULL, -- JSON
    headings TEXT NOT NULL,   -- JSON
    by_csv BIGINT NOT NULL,   -- credit results come by CSV
    version BIGINT NOT NULL   -- counts every change
);

CREATE TABLE orders (
    id BIGINT PRIMARY KEY,
    mall TEXT NOT NULL REFERENCES malls (id),
    number TEXT NOT NULL,     -- the mall's own
    provider TEXT NOT NULL,   -- where it is registered; before that, where it would be
    data TEXT NOT NULL,       -- JSON; what follows it is copied out of it when the order comes in
    ordered_at BIGINT NOT NULL,
    buyer TEXT NOT NULL,
    recipient TEXT,
    item TEXT NOT NULL,       -- the first
    items BIGINT NOT NULL,    -- how many
    number_key BYTEA NOT NULL,
    buyer_key BYTEA NOT NULL,
    invoice TEXT,             -- the order's own choice
    goods BIGINT NOT NULL,
    shipping_fee BIGINT NOT NULL,
    imported_fee BIGINT NOT NULL,
    payment_fee BIGINT NOT NULL,
    billed BIGINT NOT NULL,
    fee_band BIGINT,
    order_status TEXT,        -- the shop's own word for where the order is
    state TEXT NOT NULL,
    reference TEXT,           -- its current registration
    carrier TEXT,
    tracking_number TEXT,
    shipped_on TEXT,
    sent_at BIGINT,           -- when the last claim was made
    owner TEXT,               -- the process that holds the claim
    problem TEXT,             -- JSON
    tries BIGINT NOT NULL,    -- how often in a row nothing came of it
    due_at BIGINT,            -- when the automation looks at it next
    version BIGINT NOT NULL,  -- counts every change
    UNIQUE (mall, number)
);
-- The list is read along one of these, newest first, until a page is full. Each filter that leaves few of
-- many orders has one of its own, or a page could mean reading them all.
CREATE INDEX orders_by_time ON orders (ordered_at, id);
CREATE INDEX orders_by_state ON orders (state, ordered_at, id);
CREATE INDEX orders_by_mall ON orders (mall, ordered_at, id);
CREATE INDEX orders_by_mall_and_state ON orders (mall, state, ordered_at, id);
CREATE INDEX orders_by_provider ON orders (provider, ordered_at, id);
CREATE INDEX orders_by_provider_and_state ON orders (provider, state, ordered_at, id);
CREATE INDEX orders_by_status ON orders (order_status, ordered_at, id) WHERE order_status IS NOT NULL;
CREATE INDEX orders_tracked ON orders (state, ordered_at, id) WHERE tracking_number IS NOT NULL;
CREATE INDEX orders_untracked ON orders (state, ordered_at, id) WHERE tracking_number IS NULL;
CREATE INDEX orders_by_number ON orders (number_key, ordered_at, id);
CREATE INDEX orders_by_buyer ON orders (buyer_key, ordered_at, id);
CREATE INDEX orders_by_owner ON orders (owner) WHERE owner IS NOT NULL;
CREATE INDEX orders_by_due ON orders (due_at) WHERE due_at IS NOT NULL;

-- How many orders are in each state: the sum over the slots. Counting a million orders takes longer than
-- a page may; several slots let several writers count at once.
CREATE TABLE counts (
    mall TEXT NOT NULL,
    provider TEXT NOT NULL,
    state TEXT NOT NULL,
    slot BIGINT NOT NULL,
    orders BIGINT NOT NULL,
    PRIMARY KEY (mall, provider, state, slot)
);

-- Every name under which an order was ever put to its provider. The key keeps a reference unique for ever.
CREATE TABLE registrations (
    reference TEXT PRIMARY KEY,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    account BIGINT NOT NULL REFERENCES accounts (id),
    attempt BIGINT NOT NULL,
    billed BIGINT NOT NULL,
    sends BIGINT NOT NULL,
    transaction_id TEXT,
    UNIQUE (order_id, attempt),
    UNIQUE (account, transaction_id)
);

-- Who did what and when, for each order: one line for each version of it.
CREATE TABLE events (
    order_id BIGINT NOT NULL REFERENCES orders (id),
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    event TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    reference TEXT,
    problem TEXT,             -- JSON
    note TEXT,
    report TEXT,              -- JSON: what the host saw of the call
    PRIMARY KEY (order_id, version)
);

-- One action on many orders, and a row for each of them in the order in which they were ticked.
CREATE TABLE batches (
    id BIGINT PRIMARY KEY,
    action TEXT NOT NULL,
    who TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE INDEX batches_open ON batches (id) WHERE finished_at IS NULL;

CREATE TABLE batch_rows (
    batch BIGINT NOT NULL REFERENCES batches (id),
    place BIGINT NOT NULL,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    provider TEXT NOT NULL,   -- whom it will be asked of
    progress TEXT NOT NULL,   -- waiting, taken, done
    owner TEXT,               -- the process that took it
    outcome TEXT,
    state TEXT,               -- the order's, when it was done
    transaction_id TEXT,
    problem TEXT,             -- JSON
    PRIMARY KEY (batch, place),
    UNIQUE (batch, order_id)
);
CREATE INDEX batch_rows_waiting ON batch_rows (batch, provider, place) WHERE progress = 'waiting';
CREATE INDEX batch_rows_by_owner ON batch_rows (owner) WHERE owner IS NOT NULL;

-- Which providers are being left alone because they keep failing.
CREATE TABLE breakers (
    provider TEXT PRIMARY KEY,
    state TEXT NOT NULL,      -- closed, open, half_open
    failures BIGINT NOT NULL, -- in a row
    since BIGINT NOT NULL,    -- when it came to this state
    probe_at BIGINT,          -- when it may be tried again
    pause BIGINT NOT NULL,    -- milliseconds before the next try
    problem TEXT              -- JSON: the last failure
);

CREATE TABLE users (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    password TEXT NOT NULL,   -- hashed
    disabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    token TEXT PRIMARY KEY,   -- hashed
    user_id BIGINT NOT NULL REFERENCES users (id),
    csrf TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE api_tokens (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE, -- hashed
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);

-- Sign-ins that failed: what limits the next ones.
CREATE TABLE failed_sign_ins (
    subject TEXT NOT NULL,    -- a user's name or an address
    at BIGINT NOT NULL
);
CREATE INDEX failed_sign_ins_by_subject ON failed_sign_ins (subject, at);

-- Answers to calls that act, kept so that the same call does not act twice.
CREATE TABLE idempotency (
    caller TEXT NOT NULL,
    name TEXT NOT NULL,       -- the key that the caller chose
    digest TEXT NOT NULL,     -- of the request
    owner TEXT,               -- the process that is answering
    status BIGINT,
    answer TEXT,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (caller, name)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
CREATE INDEX idempotency_by_owner ON idempotency (owner) WHERE owner IS NOT NULL;
