-- Which component serves each provider, for the processes of the platform on all machines: their plugin folders are
-- caches of it. The revision rises with each component that is loaded.
CREATE TABLE plugin_lock (
    provider TEXT PRIMARY KEY,
    revision BIGINT NOT NULL,
    origin TEXT NOT NULL,
    version TEXT NOT NULL,
    digest TEXT NOT NULL,
    signature TEXT,
    permissions TEXT NOT NULL
);
CREATE TABLE plugin_components (
    digest TEXT PRIMARY KEY,
    content BYTEA NOT NULL
);
