-- What a row of a batch was asked for: where its order stood then. What happened to the order since may be the opposite.
ALTER TABLE batch_rows ADD COLUMN asked_state TEXT NOT NULL DEFAULT '';
ALTER TABLE batch_rows ADD COLUMN asked_reference TEXT NOT NULL DEFAULT '';
UPDATE batch_rows SET
    asked_state = (SELECT o.state FROM orders o WHERE o.id = order_id),
    asked_reference = (SELECT COALESCE(o.reference, '') FROM orders o WHERE o.id = order_id)
WHERE progress <> 'done';

-- With what rows end that still wait, or that are given back, once the batch is stopped; a problem as JSON.
ALTER TABLE batches ADD COLUMN stopped TEXT;
