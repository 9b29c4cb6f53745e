-- schema.sql - Tidemark's database, version 1 (PRAGMA user_version; later versions are numbered
-- migrations beside this file). SQLite in WAL mode; one connection writes and checkpoints.
--
-- Times are integer nanoseconds (instants since the Unix epoch, offsets since the run's process
-- started), sizes integer bytes. Ids are never reused (AUTOINCREMENT), so a permalink never comes to
-- name another thing.

CREATE TABLE projects (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL UNIQUE,
    repo    TEXT NOT NULL -- path or URL of the git repository
) STRICT;

CREATE TABLE commits (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    project      INTEGER NOT NULL REFERENCES projects,
    sha          TEXT NOT NULL CHECK (length(sha) >= 40),
    subject      TEXT NOT NULL,
    author       TEXT NOT NULL,
    committed_ns INTEGER NOT NULL,
    UNIQUE (project, sha)
) STRICT;

-- One row per installation ever seen: one that is rebuilt or upgraded under its prefix gets a new row.
CREATE TABLE pythons (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT NOT NULL,        -- unique among present ones: 3.11.7, or 3.11.7@debian where two share it
    version   TEXT NOT NULL,
    abi       TEXT NOT NULL,
    prefix    TEXT NOT NULL,
    program   TEXT NOT NULL,
    libpython TEXT NOT NULL,        -- '' where there is none
    include   TEXT NOT NULL,        -- '' where there are no headers
    source    TEXT NOT NULL,        -- how it was found: path, debian, pyenv, uv, conda, configuration
    identity  TEXT NOT NULL UNIQUE, -- hash of what tells it from every other
    reason    TEXT,                 -- why it cannot be used; NULL: usable
    present   INTEGER NOT NULL,     -- 1: found at the last discovery
    position  INTEGER NOT NULL      -- its place in that discovery's order: newest version first
) STRICT;

-- Editing a scenario's file makes a new version and keeps the old history.
CREATE TABLE scenarios (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     INTEGER NOT NULL REFERENCES projects,
    name        TEXT NOT NULL,
    version     TEXT NOT NULL, -- hash of its file
    file        TEXT NOT NULL,
    description TEXT NOT NULL, -- JSON as the harness describes it: title, module, params
    present     INTEGER NOT NULL,
    UNIQUE (project, name, version)
) STRICT;

CREATE TABLE builds (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    key         TEXT NOT NULL UNIQUE, -- hash of commit, python, flags and compiler: the cache folder
    commit_id   INTEGER NOT NULL REFERENCES commits,
    python      INTEGER NOT NULL REFERENCES pythons,
    flags       TEXT NOT NULL,
    compiler    TEXT NOT NULL,
    status      TEXT NOT NULL CHECK (status IN ('building', 'done', 'failed')),
    error       TEXT,
    log         BLOB,                 -- zstd, NULL until it has ended
    started_ns  INTEGER NOT NULL,
    finished_ns INTEGER
) STRICT;

CREATE TABLE cells (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    scenario  INTEGER NOT NULL REFERENCES scenarios,
    params    TEXT NOT NULL, -- canonical JSON: keys sorted, no spaces
    commit_id INTEGER NOT NULL REFERENCES commits,
    python    INTEGER NOT NULL REFERENCES pythons,
    allocator TEXT NOT NULL,
    UNIQUE (scenario, params, commit_id, python, allocator)
) STRICT;

CREATE TABLE batches (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    queued_ns   INTEGER NOT NULL,
    finished_ns INTEGER
) STRICT;

CREATE TABLE runs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    batch        INTEGER NOT NULL REFERENCES batches,
    cell         INTEGER NOT NULL REFERENCES cells,
    sample       INTEGER NOT NULL, -- 1, 2, ... within its batch and cell
    build        INTEGER REFERENCES builds,
    status       TEXT NOT NULL CHECK (status IN ('queued', 'building', 'running', 'done', 'failed')),
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
    log          BLOB              -- zstd
) STRICT;
CREATE INDEX runs_by_batch ON runs (batch, id);
CREATE INDEX runs_by_cell ON runs (cell, id);
CREATE INDEX runs_unfinished ON runs (status, id) WHERE status IN ('queued', 'building', 'running');

-- Names (functions and marks) of a run; ids are the stream's.
CREATE TABLE names (
    run  INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    id   INTEGER NOT NULL,
    kind INTEGER NOT NULL, -- enum tide_name_kind
    text TEXT NOT NULL,
    file TEXT NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (run, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE phases (
    run   INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    seq   INTEGER NOT NULL,
    name  TEXT NOT NULL,
    t_ns  INTEGER NOT NULL,
    value INTEGER NOT NULL,
    rss   INTEGER NOT NULL,
    peak  INTEGER NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- A payload of the tide stream (docs/STREAM.md), zstd-compressed.
CREATE TABLE event_chunks (
    run     INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    from_ns INTEGER NOT NULL, -- first and last instant inside
    to_ns   INTEGER NOT NULL,
    events  INTEGER NOT NULL, -- without samples
    rss     INTEGER NOT NULL, -- of the record before it, 0 for none: what its first change counts from
    stack   TEXT NOT NULL,    -- JSON: names of the functions that are active when it begins, outermost first
    payload BLOB NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT;

-- The curve pyramid: level 1 holds the lowest and the highest point of every 16 points of events and
-- samples, level n+1 the same of every 16 points of level n. Points are columns (t_ns, rss, name) as varint deltas,
-- zstd-compressed (server/stats/curve.h).
CREATE TABLE curve_chunks (
    run     INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    level   INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    from_ns INTEGER NOT NULL,
    to_ns   INTEGER NOT NULL,
    points  INTEGER NOT NULL,
    data    BLOB NOT NULL,
    PRIMARY KEY (run, level, seq)
) STRICT;
