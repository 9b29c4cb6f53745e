-- 0002.sql - version 2: what the instrument tells beyond events and samples, and runs from files.

-- Over the whole run, of one function (TOTAL records of the tide stream).
CREATE TABLE totals (
    run      INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    name     INTEGER NOT NULL, -- id in names
    calls    INTEGER NOT NULL, -- 0 where the recording does not see calls
    gained   INTEGER NOT NULL, -- bytes by which RSS rose, and fell, while the function itself ran
    released INTEGER NOT NULL,
    peak     INTEGER NOT NULL, -- highest RSS within a call, 0 when it was not read
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- What smaps_rollup told at a mark (SMAPS records); seq is that of the phase.
CREATE TABLE proportions (
    run  INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    seq  INTEGER NOT NULL,
    pss  INTEGER NOT NULL,
    uss  INTEGER NOT NULL,
    swap INTEGER NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- 1: read from a file, measured elsewhere. Its project is `imported`, its commit the file's hash.
ALTER TABLE runs ADD COLUMN imported INTEGER NOT NULL DEFAULT 0;
