-- 0003.sql - version 3: how a cell is measured is part of what it is, so that runs that are measured
-- differently are never samples of one cell.

-- A table's UNIQUE cannot be changed: the table is made anew under its name.
CREATE TABLE cells_new (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    scenario  INTEGER NOT NULL REFERENCES scenarios,
    params    TEXT NOT NULL, -- canonical JSON: keys sorted, no spaces
    commit_id INTEGER NOT NULL REFERENCES commits,
    python    INTEGER NOT NULL REFERENCES pythons,
    allocator TEXT NOT NULL,
    measure   TEXT NOT NULL, -- canonical JSON (server/schedule/measure.h); '{}' of imported runs
    UNIQUE (scenario, params, commit_id, python, allocator, measure)
) STRICT;
INSERT INTO cells_new SELECT id, scenario, params, commit_id, python, allocator,
    iif(allocator = 'unknown', '{}', '{"bound":262144,"interval_us":1000,"precision":"bounded",'
        || '"recording":"changes","threshold":4096}') FROM cells;
-- Ids that were given before are not given again.
DELETE FROM sqlite_sequence WHERE name = 'cells_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'cells_new', seq FROM sqlite_sequence
    WHERE name = 'cells';
DROP TABLE cells;
ALTER TABLE cells_new RENAME TO cells;
