-- 0005.sql - version 5: several projects, each with its own recipe; what a build's steps did, and when
-- it was used last.

ALTER TABLE projects ADD COLUMN branch TEXT NOT NULL DEFAULT '';    -- '': HEAD of the source
ALTER TABLE projects ADD COLUMN recipe TEXT NOT NULL DEFAULT '';    -- canonical JSON (server/build/recipe.h); '': none, nothing is built
ALTER TABLE projects ADD COLUMN scenarios TEXT NOT NULL DEFAULT ''; -- folder of the repository; '': Tidemark's own
ALTER TABLE projects ADD COLUMN versions TEXT NOT NULL DEFAULT '';  -- folder of released versions that `repo` was made from; '': none
ALTER TABLE projects ADD COLUMN pythons TEXT NOT NULL DEFAULT '';   -- JSON, list of names or versions; '': all
ALTER TABLE projects ADD COLUMN enabled INTEGER NOT NULL DEFAULT 1;

ALTER TABLE builds ADD COLUMN steps TEXT;                           -- JSON (server/build/steps.h); NULL until it has ended
ALTER TABLE builds ADD COLUMN used_ns INTEGER NOT NULL DEFAULT 0;   -- when a run needed it last
CREATE INDEX builds_by_commit ON builds (commit_id);
CREATE INDEX runs_by_build ON runs (build);
