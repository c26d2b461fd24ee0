-- Which orders of a mall's export are taken, as JSON; and how many orders one request to the provider carries.
ALTER TABLE malls ADD COLUMN take TEXT NOT NULL DEFAULT '{}';
ALTER TABLE malls ADD COLUMN rows_per_request BIGINT NOT NULL DEFAULT 50;
