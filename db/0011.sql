-- 0011.sql - version 11: searches for the commit that changed a metric, and what each tried.

CREATE TABLE bisects (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    good        INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE,
    bad         INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE,
    scenario    INTEGER NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    python      INTEGER NOT NULL REFERENCES pythons,
    params      TEXT NOT NULL,    -- canonical JSON, as cells have it; with what follows it names them
    allocator   TEXT NOT NULL,
    measure     TEXT NOT NULL,
    metric      TEXT NOT NULL,
    samples     INTEGER NOT NULL, -- of a commit, where they agree
    worse_than  TEXT NOT NULL,    -- what counts as changed (server/stats/limit.h); '': half of the way from good to bad
    status      TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'cancelled')),
    known       INTEGER NOT NULL DEFAULT 0, -- commits between whose values stood in the database when it began
    left_over   INTEGER,          -- commits still in question; NULL until the ends are measured
    tries       INTEGER NOT NULL DEFAULT 0, -- measurements that telling them apart takes at the most
    batch       INTEGER,          -- that it asked for last
    result      TEXT,             -- JSON (docs/API.md)
    error       TEXT,             -- why it failed
    created_ns  INTEGER NOT NULL,
    finished_ns INTEGER
) STRICT;
CREATE INDEX bisects_running ON bisects (id) WHERE status = 'running';

-- In the order in which they were tried; the ends of the line come first.
CREATE TABLE bisect_steps (
    bisect      INTEGER NOT NULL REFERENCES bisects ON DELETE CASCADE,
    seq         INTEGER NOT NULL,
    commit_id   INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE,
    outcome     TEXT NOT NULL CHECK (outcome IN ('measuring', 'good', 'bad', 'skipped')),
    value       ANY,              -- median of its samples, in the metric's unit
    why         TEXT,             -- skipped: the reason; else what is particular to it
    cell        INTEGER,          -- whose runs were looked at
    started_ns  INTEGER NOT NULL,
    finished_ns INTEGER,
    PRIMARY KEY (bisect, seq),
    UNIQUE (bisect, commit_id)
) STRICT, WITHOUT ROWID;
