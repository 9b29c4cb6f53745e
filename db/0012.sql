-- 0012.sql - version 12: what queues the runs of a project by itself: times, new commits, push webhooks, new
-- pythons.

CREATE TABLE triggers (
    project       INTEGER PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    cron          TEXT NOT NULL DEFAULT '[]',  -- JSON, list of expressions (server/schedule/cron.h)
    timezone      TEXT NOT NULL DEFAULT 'UTC', -- that they are read in
    poll_s        INTEGER,                     -- seconds between looks for new commits; NULL: none
    secret        TEXT NOT NULL DEFAULT '',    -- of push webhooks; '': none are taken
    on_new_python INTEGER NOT NULL DEFAULT 0,
    request       TEXT NOT NULL DEFAULT '',    -- JSON, what is queued: a body of POST /api/v1/runs; '': none
    served_ns     INTEGER NOT NULL DEFAULT 0,  -- cron times up to this instant have been served
    polled_ns     INTEGER NOT NULL DEFAULT 0,
    tip           TEXT NOT NULL DEFAULT '',    -- of the branch, when it was looked at last
    pending       TEXT NOT NULL DEFAULT '',    -- reason for which the request is still to be queued
    pending_by    TEXT NOT NULL DEFAULT '',    -- what brought that up
    last          TEXT                         -- JSON {reason, by, at_ns, batch, error}
) STRICT;

-- Webhooks that were taken, so that none is taken twice: what names the delivery, and what names its content.
CREATE TABLE hooks (
    project INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    name    TEXT NOT NULL,
    seen_ns INTEGER NOT NULL,
    PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- Pythons that a project with on_new_python knows.
CREATE TABLE known_pythons (
    project  INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    identity TEXT NOT NULL,
    PRIMARY KEY (project, identity)
) STRICT, WITHOUT ROWID;
