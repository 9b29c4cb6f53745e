-- 0020.sql - version 20: lists of runs that failed or were cancelled, which may be few among many.

CREATE INDEX runs_failed ON runs (id) WHERE status = 'failed';
CREATE INDEX runs_cancelled ON runs (id) WHERE status = 'cancelled';
