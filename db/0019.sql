-- 0019.sql - version 19: runs are counted by status as they come, change and go. An index on their status would
-- count them too, but SQLite then takes it for the runs of a cell that are done, and reads all that are.

DROP INDEX runs_by_status;

CREATE TABLE run_counts (
    status TEXT PRIMARY KEY,
    n      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO run_counts SELECT status, count(*) FROM runs GROUP BY status;

CREATE TRIGGER runs_count_new AFTER INSERT ON runs BEGIN
    INSERT INTO run_counts VALUES (new.status, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER runs_count_changed AFTER UPDATE OF status ON runs WHEN old.status <> new.status BEGIN
    UPDATE run_counts SET n = n - 1 WHERE status = old.status;
    INSERT INTO run_counts VALUES (new.status, 1) ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER runs_count_gone AFTER DELETE ON runs BEGIN
    UPDATE run_counts SET n = n - 1 WHERE status = old.status;
END;
