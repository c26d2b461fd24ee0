-- What a batch writes for each of its orders, twice: fewer indexes, and the host's report of a call once for all its rows.

-- A column of its own says nothing about the state, so that a change of state does not write it. With a state, the
-- state's index leaves few enough.
DROP INDEX orders_untracked;
CREATE INDEX orders_untracked ON orders (ordered_at, id) WHERE tracking_number IS NULL;

-- Whoever looks for the rows of an owner looks among those that are taken, which are few.
DROP INDEX batch_rows_by_owner;
DROP INDEX batch_rows_taken;
CREATE INDEX batch_rows_taken ON batch_rows (batch, owner) WHERE progress = 'taken';

-- Where the report of an event's call is written: with the event of another order of the same call.
ALTER TABLE events ADD COLUMN report_order BIGINT;
ALTER TABLE events ADD COLUMN report_version BIGINT;
