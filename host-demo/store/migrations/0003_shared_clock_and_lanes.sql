-- The moment of a claim in measures that other processes can compare; see store/moment.rs. The shared clock of
-- sent_at is another one when sent_clock differs.
ALTER TABLE orders ADD COLUMN sent_clock TEXT;
ALTER TABLE orders ADD COLUMN sent_boot TEXT;     -- which start of which machine sent_uptime is counted from
ALTER TABLE orders ADD COLUMN sent_uptime BIGINT; -- milliseconds
-- Counts how often the database's clock was seen to be set.
ALTER TABLE store ADD COLUMN clock_epoch BIGINT NOT NULL DEFAULT 0;

-- Rows of a batch are taken for each mall and provider by itself.
ALTER TABLE batch_rows ADD COLUMN mall TEXT;
UPDATE batch_rows SET mall = (SELECT o.mall FROM orders o WHERE o.id = batch_rows.order_id);
-- What waits for a credit waits for its mall's provider of now.
UPDATE batch_rows SET provider = (
    SELECT a.provider FROM orders o JOIN malls m ON m.id = o.mall JOIN accounts a ON a.id = m.account
    WHERE o.id = batch_rows.order_id
) WHERE progress <> 'done' AND batch IN (SELECT b.id FROM batches b WHERE b.action = 'credit');
DROP INDEX batch_rows_waiting;
CREATE INDEX batch_rows_waiting ON batch_rows (batch, provider, mall, place) WHERE progress = 'waiting';
CREATE INDEX batch_rows_taken ON batch_rows (batch) WHERE progress = 'taken';

-- The automation passes by orders of malls and providers that it is busy with.
DROP INDEX orders_by_due;
CREATE INDEX orders_by_due ON orders (due_at, provider, mall) WHERE due_at IS NOT NULL;

-- Which providers the processes that work in the background can ask. A row without a provider says that the process
-- is there.
CREATE TABLE serving (
    owner TEXT NOT NULL,
    provider TEXT NOT NULL,
    PRIMARY KEY (owner, provider)
);
