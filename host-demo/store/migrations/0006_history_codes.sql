-- History names the way of an invoice by its code, as the column orders.invoice does, and no longer by its Japanese
-- label.
UPDATE events SET note = 'separate' WHERE event = 'invoice_set' AND note = '別送';
UPDATE events SET note = 'enclosed' WHERE event = 'invoice_set' AND note = '同梱';
