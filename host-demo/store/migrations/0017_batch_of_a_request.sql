-- The batch that a request has made, written with the batch: whatever becomes of the answer, the request makes no other.
ALTER TABLE idempotency ADD COLUMN batch BIGINT;

-- Whoever asks for the batch has been told which of its orders may be registered already, and wants them to be sent.
ALTER TABLE batches ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0;
