-- 0009.sql - version 9: tokens with scopes. Only a token's hash is kept.

CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    hash       TEXT NOT NULL UNIQUE, -- SHA-256 in hexadecimal (docs/SECURITY.md says why that suffices)
    scopes     TEXT NOT NULL,        -- JSON, list of read, trigger, upload, admin
    created_ns INTEGER NOT NULL,
    expires_ns INTEGER,              -- NULL: never
    used_ns    INTEGER,              -- last use, to the hour; NULL: never
    own        INTEGER NOT NULL      -- 1: the one of DATA/token
) STRICT;
