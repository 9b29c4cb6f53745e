-- 0007.sql - version 7: runs that are cancelled, interrupted and tried again; batches with a priority and
-- a reason; a queue that can be paused.

-- A CHECK cannot be changed: the table is made anew under its name.
CREATE TABLE runs_new (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    batch        INTEGER NOT NULL REFERENCES batches,
    cell         INTEGER NOT NULL REFERENCES cells,
    sample       INTEGER NOT NULL, -- 1, 2, ... within its batch and cell
    build        INTEGER REFERENCES builds,
    status       TEXT NOT NULL
                 CHECK (status IN ('queued', 'building', 'running', 'done', 'failed', 'cancelled')),
    percent      INTEGER NOT NULL DEFAULT 0,
    error        TEXT,
    queued_ns    INTEGER NOT NULL,
    started_ns   INTEGER,
    finished_ns  INTEGER,
    origin_ns    INTEGER,          -- monotonic clock at the start of its process: t_ns counts from here
    base         INTEGER,
    original     INTEGER,
    tide_mark    INTEGER,
    end          INTEGER,
    floor        INTEGER,
    wall_ns      INTEGER,
    cpu_ns       INTEGER,
    events       INTEGER,
    samples      INTEGER,
    missed_ticks INTEGER,
    expected     TEXT,             -- JSON {original, container, result}
    environment  TEXT,             -- JSON
    exit         TEXT,             -- JSON {code, signal, deadline}
    log          BLOB,             -- zstd
    imported     INTEGER NOT NULL DEFAULT 0, -- 1: read from a file, measured elsewhere
    attempt      INTEGER NOT NULL DEFAULT 1, -- those before are in attempts
    outside      INTEGER NOT NULL DEFAULT 0, -- 1: failed for a reason outside of what is measured
    retry_ns     INTEGER NOT NULL DEFAULT 0, -- a build that failed before this instant is tried again
    waiting      TEXT              -- why a queued run is not started; NULL: its turn has not come
) STRICT;
INSERT INTO runs_new (id, batch, cell, sample, build, status, percent, error, queued_ns, started_ns,
    finished_ns, origin_ns, base, original, tide_mark, end, floor, wall_ns, cpu_ns, events, samples,
    missed_ticks, expected, environment, exit, log, imported)
    SELECT id, batch, cell, sample, build, status, percent, error, queued_ns, started_ns,
    finished_ns, origin_ns, base, original, tide_mark, end, floor, wall_ns, cpu_ns, events, samples,
    missed_ticks, expected, environment, exit, log, imported FROM runs;
-- Ids that were given before are not given again.
DELETE FROM sqlite_sequence WHERE name = 'runs_new';
INSERT INTO sqlite_sequence (name, seq) SELECT 'runs_new', seq FROM sqlite_sequence WHERE name = 'runs';
DROP TABLE runs;
ALTER TABLE runs_new RENAME TO runs;
CREATE INDEX runs_by_batch ON runs (batch, id);
CREATE INDEX runs_by_cell ON runs (cell, id);
CREATE INDEX runs_by_build ON runs (build);
CREATE INDEX runs_unfinished ON runs (status, id) WHERE status IN ('queued', 'building', 'running');
CREATE INDEX runs_queued ON runs (batch, id) WHERE status = 'queued';

-- How a run ended before it was tried again. What it had measured is gone.
CREATE TABLE attempts (
    run        INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    attempt    INTEGER NOT NULL,
    outcome    TEXT NOT NULL CHECK (outcome IN ('interrupted', 'failed', 'cancelled')),
    error      TEXT,
    started_ns INTEGER,
    ended_ns   INTEGER NOT NULL,
    PRIMARY KEY (run, attempt)
) STRICT, WITHOUT ROWID;

ALTER TABLE batches ADD COLUMN priority INTEGER NOT NULL DEFAULT 0; -- the highest goes first, then the oldest
ALTER TABLE batches ADD COLUMN reason TEXT NOT NULL DEFAULT 'rest'; -- what asked for it (server/schedule/wish.c)
ALTER TABLE batches ADD COLUMN asked_by TEXT;                       -- who, where that is known
CREATE INDEX batches_unfinished ON batches (priority DESC, id) WHERE finished_ns IS NULL;

CREATE TABLE queue (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    paused INTEGER NOT NULL
) STRICT;
INSERT INTO queue VALUES (1, 0);
