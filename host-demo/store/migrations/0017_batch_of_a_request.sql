-- The batch that a request has made, written with the batch: whatever becomes of the answer, the request makes no other.
ALTER TABLE idempotency ADD COLUMN batch BIGINT;
