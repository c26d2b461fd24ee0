-- The batch that a request has made, written with the batch: whatever becomes of the answer, the request makes no other.
ALTER TABLE idempotency ADD COLUMN batch BIGINT;

-- Whoever asked for the row was told that its order may be registered already, and wants it to be sent.
ALTER TABLE batch_rows ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0;

-- What is left of the order's number without what programs and spreadsheets write in several ways.
ALTER TABLE orders ADD COLUMN gist TEXT NOT NULL DEFAULT '';
UPDATE orders SET gist = LTRIM(UPPER(REPLACE(REPLACE(number, '-', ''), ' ', '')), '0');
CREATE INDEX orders_by_gist ON orders (gist, ordered_at);
