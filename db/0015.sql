-- 0015.sql - version 15: the changes for the worse that webhooks have told of.

CREATE TABLE told_changes ( -- as in `changes`, whose rows may be found anew under another id
    series    INTEGER NOT NULL REFERENCES series ON DELETE CASCADE,
    metric    INTEGER NOT NULL,
    commit_id INTEGER NOT NULL,
    PRIMARY KEY (series, metric, commit_id)
) STRICT, WITHOUT ROWID;
