-- How a mall's export is read, as TOML. What a mall called the columns that have another name there, until now a JSON
-- object of strings, becomes a mapping of these columns: an inline table with the same strings.
ALTER TABLE malls ADD COLUMN mapping TEXT NOT NULL DEFAULT '';
UPDATE malls SET mapping = 'same-names = true
columns = ' || replace(headings, '":"', '" = "') || '
' WHERE headings <> '{}';
ALTER TABLE malls DROP COLUMN headings;
