-- 0013.sql - version 13: where the level of a series changes along its line of commits, and what became
-- of each change.

CREATE TABLE changes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    series      INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    metric      INTEGER NOT NULL REFERENCES metrics,
    commit_id   INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE, -- the first that was measured after it
    previous    INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE, -- the last before it
    last        INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE, -- where a creep has ended; a step: commit_id
    kind        TEXT NOT NULL CHECK (kind IN ('step', 'creep')),
    status      TEXT NOT NULL CHECK (status IN ('suspect', 'confirmed', 'dropped')),
    before      ANY NOT NULL, -- numbers: integers wherever they can be
    after       ANY NOT NULL,
    effect      ANY NOT NULL,
    low         ANY,
    high        ANY,
    found_ns    INTEGER NOT NULL,
    batch       INTEGER,      -- that measured both sides once more; 0: it could not be; NULL: not yet
    second      TEXT CHECK (second IN ('confirmed', 'dropped')), -- what that came to
    reason      TEXT,         -- why it is accepted; NULL: it is not
    accepted_by TEXT,
    accepted_ns INTEGER,
    UNIQUE (series, metric, commit_id)
) STRICT;

-- Series whose summaries have changed since their changes were found; version tells of more changes meanwhile.
CREATE TABLE stale_series (
    series  INTEGER PRIMARY KEY REFERENCES series ON DELETE CASCADE,
    version INTEGER NOT NULL
) STRICT;
INSERT INTO stale_series SELECT DISTINCT series, 1 FROM summaries;
CREATE TRIGGER summaries_begin AFTER INSERT ON summaries WHEN new.metric IN (2, 4) BEGIN
    INSERT INTO stale_series VALUES (new.series, 1) ON CONFLICT DO UPDATE SET version = version + 1;
END;
CREATE TRIGGER summaries_change AFTER UPDATE ON summaries WHEN new.metric IN (2, 4) BEGIN
    INSERT INTO stale_series VALUES (new.series, 1) ON CONFLICT DO UPDATE SET version = version + 1;
END;

ALTER TABLE projects ADD COLUMN baseline TEXT NOT NULL DEFAULT ''; -- "PYTHON", "@COMMIT" or "PYTHON@COMMIT"; '': none
CREATE INDEX builds_failed ON builds (python, commit_id) WHERE status = 'failed';
