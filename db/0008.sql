-- 0008.sql - version 8: the metrics of a run and of a cell, the series that cells belong to, and the
-- line of commits that puts a series in order.

-- What is judged. The ids are enum tide_metric (server/store/store.h).
CREATE TABLE metrics (
    id    INTEGER PRIMARY KEY,
    name  TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    unit  TEXT NOT NULL
) STRICT;
INSERT INTO metrics VALUES
    (0, 'base', 'RSS before the payload', 'bytes'),
    (1, 'original', 'RSS with the payload', 'bytes'),
    (2, 'tide_mark', 'Tide mark', 'bytes'),
    (3, 'over_original', 'Tide mark over original', 'bytes'),
    (4, 'retained', 'RSS kept at the end', 'bytes'),
    (5, 'leak', 'RSS kept of each iteration', 'bytes per iteration'),
    (6, 'wall_ns', 'Time', 'ns'),
    (7, 'cpu_ns', 'CPU time', 'ns'),
    (8, 'page_faults', 'Page faults', 'count'),
    (9, 'events', 'Events', 'count'),
    (10, 'over_floor', 'Tide mark over floor', 'ratio');

ALTER TABLE runs ADD COLUMN page_faults INTEGER; -- minor and major together
ALTER TABLE runs ADD COLUMN leak ANY;            -- a number: bytes per iteration

-- What cells of several commits have in common.
CREATE TABLE series (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    scenario  INTEGER NOT NULL REFERENCES scenarios ON DELETE CASCADE,
    params    TEXT NOT NULL,
    python    INTEGER NOT NULL REFERENCES pythons,
    allocator TEXT NOT NULL,
    measure   TEXT NOT NULL,
    UNIQUE (scenario, params, python, allocator, measure)
) STRICT;
INSERT INTO series (scenario, params, python, allocator, measure)
    SELECT scenario, params, python, allocator, measure FROM cells
    GROUP BY scenario, params, python, allocator, measure ORDER BY min(id);
ALTER TABLE cells ADD COLUMN series INTEGER REFERENCES series; -- set by the trigger below
UPDATE cells SET series = (SELECT s.id FROM series s WHERE s.scenario = cells.scenario
    AND s.params = cells.params AND s.python = cells.python AND s.allocator = cells.allocator
    AND s.measure = cells.measure);
CREATE INDEX cells_by_series ON cells (series, commit_id);
CREATE INDEX cells_by_commit ON cells (commit_id, python);
CREATE TRIGGER cells_join_series AFTER INSERT ON cells BEGIN
    INSERT INTO series (scenario, params, python, allocator, measure)
        SELECT new.scenario, new.params, new.python, new.allocator, new.measure
        WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.scenario = new.scenario
            AND s.params = new.params AND s.python = new.python AND s.allocator = new.allocator
            AND s.measure = new.measure);
    UPDATE cells SET series = (SELECT s.id FROM series s WHERE s.scenario = new.scenario
        AND s.params = new.params AND s.python = new.python AND s.allocator = new.allocator
        AND s.measure = new.measure) WHERE id = new.id;
END;

-- One metric of one cell, over its runs that are done; written when a run ends. The rows of a series
-- and a metric lie together, so that a history is read without touching a run.
CREATE TABLE summaries (
    series    INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    metric    INTEGER NOT NULL,
    commit_id INTEGER NOT NULL,
    cell      INTEGER NOT NULL,
    n         INTEGER NOT NULL, -- runs that have the metric
    minimum   ANY NOT NULL,     -- numbers: integers wherever they can be
    maximum   ANY NOT NULL,
    median    ANY NOT NULL,
    low       ANY,              -- 95 % interval of the median; NULL below 6 runs
    high      ANY,
    PRIMARY KEY (series, metric, commit_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER cells_leave_summaries AFTER DELETE ON cells BEGIN
    DELETE FROM summaries WHERE series = old.series AND metric IN (SELECT id FROM metrics)
        AND commit_id = old.commit_id;
END;

-- The first-parent line of a project's branch as it was at the last look, oldest first.
CREATE TABLE line (
    project   INTEGER NOT NULL REFERENCES projects ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    commit_id INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE,
    PRIMARY KEY (project, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX line_by_commit ON line (commit_id);
