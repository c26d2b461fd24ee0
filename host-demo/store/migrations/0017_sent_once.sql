-- The batch that a request has made, written with the batch: whatever becomes of the answer, the request makes no other.
ALTER TABLE idempotency ADD COLUMN batch BIGINT;

-- Whoever asked for the row was told that its order may be registered already, and wants it to be sent.
ALTER TABLE batch_rows ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0;

-- The match key of the order's number: what is left of it without what programs and spreadsheets write in several ways.
ALTER TABLE orders ADD COLUMN match_key TEXT NOT NULL DEFAULT '';
UPDATE orders SET match_key = LTRIM(UPPER(REPLACE(REPLACE(number, '-', ''), ' ', '')), '0');
CREATE INDEX orders_by_match_key ON orders (match_key, ordered_at);
