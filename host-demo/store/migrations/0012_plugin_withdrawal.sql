-- A plugin that was withdrawn keeps its row: processes that were not running learn of it, and its revision goes on.
ALTER TABLE plugin_lock ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0;
