-- Amounts are whole yen, times are milliseconds since 1970-01-01T00:00:00Z, dates are Japan's.

-- One row: what makes this store's references different from any other store's.
CREATE TABLE store (
    prefix TEXT NOT NULL
);

CREATE TABLE malls (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    provider TEXT NOT NULL,
    settings TEXT NOT NULL,   -- JSON
    fees TEXT NOT NULL,       -- JSON
    invoice TEXT NOT NULL
);

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    mall TEXT NOT NULL REFERENCES malls (id),
    number TEXT NOT NULL,     -- the mall's own
    data TEXT NOT NULL,       -- JSON
    goods BIGINT NOT NULL,
    shipping_fee BIGINT NOT NULL,
    imported_fee BIGINT NOT NULL,
    payment_fee BIGINT NOT NULL,
    billed BIGINT NOT NULL,
    fee_band BIGINT,
    state TEXT NOT NULL,
    reference TEXT REFERENCES registrations (reference),
    carrier TEXT,
    tracking_number TEXT,
    shipped_on TEXT,
    sent_at BIGINT,           -- when the last claim was made
    owner TEXT,               -- the process that holds the claim
    problem TEXT,             -- JSON
    version BIGINT NOT NULL,  -- counts every change
    UNIQUE (mall, number)
);
CREATE INDEX orders_by_state ON orders (state, id);
CREATE INDEX orders_by_owner ON orders (owner) WHERE owner IS NOT NULL;

-- Every name under which an order was ever put to its provider. The key keeps a reference unique for ever.
CREATE TABLE registrations (
    reference TEXT PRIMARY KEY,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    mall TEXT NOT NULL REFERENCES malls (id),
    attempt BIGINT NOT NULL,
    billed BIGINT NOT NULL,
    sends BIGINT NOT NULL,
    transaction_id TEXT,
    UNIQUE (order_id, attempt),
    UNIQUE (mall, transaction_id)
);

-- Who did what and when, for each order.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    order_id BIGINT NOT NULL REFERENCES orders (id),
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    event TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state TEXT NOT NULL,
    reference TEXT,
    problem TEXT,             -- JSON
    note TEXT,
    report TEXT               -- JSON: what the host saw of the call
);
CREATE INDEX events_by_order ON events (order_id, id);
