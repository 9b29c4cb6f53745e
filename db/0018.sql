-- 0018.sql - version 18: the events of a window, and the last instant of a run, are found without reading all
-- of its events.

CREATE INDEX event_chunks_by_time ON event_chunks (run, seq, from_ns, to_ns);
CREATE INDEX event_chunks_by_end ON event_chunks (run, to_ns);
