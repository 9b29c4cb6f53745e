-- 0016.sql - version 16: answers to requests with an Idempotency-Key (server/store/answers.h); runs by status.

CREATE TABLE answers (
    key      TEXT PRIMARY KEY,
    request  TEXT NOT NULL,              -- hash of method, target and body
    runs     INTEGER NOT NULL,           -- 1: it queues runs, which are all that it takes effect by
    taken    INTEGER NOT NULL DEFAULT 0, -- 1: something was committed by it
    batch    INTEGER,                    -- that it queued
    status   INTEGER,                    -- of the answer; NULL: there is none yet
    type     TEXT,
    location TEXT,
    body     BLOB,
    asked_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_by_time ON answers (asked_ns);

-- They are counted for every look at /metrics.
CREATE INDEX runs_by_status ON runs (status);
