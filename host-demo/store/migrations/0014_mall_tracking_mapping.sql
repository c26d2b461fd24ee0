-- How files of tracking numbers of a mall's orders are read, as TOML. Empty: by their headings.
ALTER TABLE malls ADD COLUMN tracking_mapping TEXT NOT NULL DEFAULT '';
