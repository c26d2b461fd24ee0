-- Tracking numbers have one form, without hyphens, and are looked up: the number of a parcel names its orders.
UPDATE orders SET tracking_number = REPLACE(tracking_number, '-', '') WHERE tracking_number IS NOT NULL;
CREATE INDEX orders_by_tracking ON orders (tracking_number) WHERE tracking_number IS NOT NULL;
