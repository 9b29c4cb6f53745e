-- 0004.sql - version 4: the order of a batch's runs can be had again, and failed builds be asked for anew.

ALTER TABLE batches ADD COLUMN seed INTEGER; -- of the order of its runs (server/schedule/order.h)
-- 1: builds that failed before the batch was queued are tried once more
ALTER TABLE batches ADD COLUMN retry_failed INTEGER NOT NULL DEFAULT 0;
