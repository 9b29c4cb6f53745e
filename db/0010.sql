-- 0010.sql - version 10: the memory that a scenario says it needs, so that a run starts only where it fits.

CREATE TABLE needs (
    scenario INTEGER NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    params   TEXT NOT NULL,    -- canonical JSON, as in cells
    floor    INTEGER NOT NULL, -- sum of what its `expected` gives, 0 for none
    memory   INTEGER NOT NULL, -- its `memory`, 0 for none
    PRIMARY KEY (scenario, params)
) STRICT, WITHOUT ROWID;
