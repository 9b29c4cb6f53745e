-- 0014.sql - version 14: webhooks that are sent, and what became of each.

ALTER TABLE triggers ADD COLUMN notify TEXT NOT NULL DEFAULT '[]'; -- JSON, list of {url, secret}

CREATE TABLE deliveries (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project    INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    event      TEXT NOT NULL,    -- what it tells of: regression, batch_failed
    url        TEXT NOT NULL,
    secret     TEXT NOT NULL,    -- that it is signed with; '': it is not
    body       TEXT NOT NULL,    -- JSON
    status     TEXT NOT NULL CHECK (status IN ('waiting', 'delivered', 'dead')),
    attempts   INTEGER NOT NULL DEFAULT 0,
    created_ns INTEGER NOT NULL,
    next_ns    INTEGER NOT NULL, -- not before, while it waits
    ended_ns   INTEGER,
    code       INTEGER,          -- of the last answer
    error      TEXT              -- of the last attempt
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries (next_ns) WHERE status = 'waiting';
CREATE INDEX deliveries_by_project ON deliveries (project, id);
