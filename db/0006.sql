-- 0006.sql - version 6: where each chunk of events stands among the events of its run, so that a table
-- of millions of rows can be entered anywhere. Runs stored before have no rows here: entering them counts.

CREATE TABLE event_places (
    run   INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
    seq   INTEGER NOT NULL, -- that of the chunk
    first INTEGER NOT NULL, -- events and samples of the run before it
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
