-- 0017.sql - version 17: what causes a batch, and what tells of one, is settled in the transaction of the batch.

-- How often something was to be queued: what was queued clears `pending` only where nothing came since.
ALTER TABLE triggers ADD COLUMN pending_n INTEGER NOT NULL DEFAULT 0;

-- 1: the batch has ended with a run that failed, and nobody was told yet.
ALTER TABLE batches ADD COLUMN tell INTEGER NOT NULL DEFAULT 0;
CREATE INDEX batches_to_tell ON batches (id) WHERE tell = 1;
