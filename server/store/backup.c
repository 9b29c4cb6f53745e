/* backup.c - see backup.h. */
#include "store/backup.h"

#include "base/file.h"
#include "base/str.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGES_A_STEP 4096
#define FILES_TABLE \
    "CREATE TABLE IF NOT EXISTS backup_files (name TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT"

static enum tide_rc open_file(const char *path, int flags, sqlite3 **db, struct tide_error *e)
{
    *db = NULL;
    if (!(flags & SQLITE_OPEN_CREATE) && access(path, R_OK))
        return tide_fail(e, errno == ENOENT ? TIDE_ABSENT : TIDE_IO, "open %s: %s", path,
                         strerror(errno));
    if (!sqlite3_open_v2(path, db, flags | SQLITE_OPEN_NOMUTEX, NULL)) {
        sqlite3_busy_timeout(*db, 5000);
        return TIDE_OK;
    }
    enum tide_rc rc = tide_fail(e, TIDE_IO, "open %s: %s", path, sqlite3_errmsg(*db));
    sqlite3_close(*db);
    *db = NULL;
    return rc;
}

/* The read transaction of `source` is open, so that every step sees one instant and none begins
 * anew. */
static enum tide_rc copy_pages(sqlite3 *source, sqlite3 *target, tide_backup_progress *tell,
                               void *context, struct tide_error *e)
{
    sqlite3_backup *b = sqlite3_backup_init(target, "main", source, "main");
    int code = SQLITE_OK;
    if (!b) return tide_sql_fail(target, "begin the backup", e);
    do {
        code = sqlite3_backup_step(b, PAGES_A_STEP);
        int all = sqlite3_backup_pagecount(b);
        if (tell) tell(context, all - sqlite3_backup_remaining(b), all);
    } while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED);
    code = sqlite3_backup_finish(b);
    return code ? tide_sql_fail(target, "copy the database", e) : TIDE_OK;
}

/* The copy is a database file alone, without a WAL beside it. */
static enum tide_rc copy_into(const char *from, sqlite3 *target, tide_backup_progress *tell,
                              void *context, struct tide_error *e)
{
    sqlite3 *source = NULL;
    int64_t unused;
    enum tide_rc rc = open_file(from, SQLITE_OPEN_READONLY, &source, e);
    if (!rc && sqlite3_exec(source, "BEGIN", NULL, NULL, NULL)) rc = tide_sql_fail(source, from, e);
    if (!rc) rc = tide_sql_integer(source, &unused, e, "SELECT count(*) FROM sqlite_schema", "");
    if (!rc) rc = copy_pages(source, target, tell, context, e);
    if (!rc && sqlite3_exec(target, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL))
        rc = tide_sql_fail(target, "finish the copy", e);
    sqlite3_close(source);
    return rc;
}

static enum tide_rc sync_file(const char *path, struct tide_error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum tide_rc rc = TIDE_OK;
    if (fd < 0 || fsync(fd)) rc = tide_fail_errno(e, "sync %s", path);
    if (fd >= 0) close(fd);
    return rc;
}

enum tide_rc tide_backup_copy(const char *from, const char *to, tide_backup_progress *tell,
                              void *context, struct tide_error *e)
{
    sqlite3 *target = NULL;
    if (access(from, R_OK))
        return tide_fail(e, errno == ENOENT ? TIDE_ABSENT : TIDE_IO, "open %s: %s", from,
                         strerror(errno));
    int made = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600); /* holds what is private */
    if (made < 0) return tide_fail_errno(e, "make %s", to);
    close(made);
    enum tide_rc rc = open_file(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &target, e);
    if (!rc) rc = copy_into(from, target, tell, context, e);
    sqlite3_close(target);
    if (!rc) rc = sync_file(to, e);
    if (rc) unlink(to);
    return rc;
}

static enum tide_rc check_open(sqlite3 *db, const char *path, int64_t *version,
                               struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    int64_t tables = 0;
    enum tide_rc rc = tide_sql_prepare(db, &q, e, "PRAGMA integrity_check(1)", "");
    if (!rc) rc = tide_sql_step(q, e);
    const char *verdict = rc ? NULL : (const char *)sqlite3_column_text(q, 0);
    if (!rc && (!verdict || strcmp(verdict, "ok") != 0))
        rc = tide_fail(e, TIDE_CORRUPT, "%s", verdict ? verdict : "it cannot be checked");
    sqlite3_finalize(q);
    if (!rc)
        rc = tide_sql_integer(db, &tables, e,
                              "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
                              " AND name IN ('projects', 'batches', 'runs', 'event_chunks')",
                              "");
    if (!rc) rc = tide_sql_integer(db, version, e, "PRAGMA user_version", "");
    if (!rc && (tables != 4 || *version < 1))
        rc = tide_fail(e, TIDE_INVALID, "%s is no database of Tidemark's", path);
    if (!rc && *version > tide_schema_version())
        rc = tide_fail(e, TIDE_NEWER,
                       "%s was written by a newer Tidemark (schema %lld, this program knows %lld): "
                       "update Tidemark",
                       path, (long long)*version, (long long)tide_schema_version());
    return rc;
}

enum tide_rc tide_backup_check(const char *path, int64_t *version, struct tide_error *e)
{
    sqlite3 *db = NULL;
    int64_t found = 0;
    struct tide_error damage = {0};
    enum tide_rc rc = open_file(path, SQLITE_OPEN_READONLY, &db, e);
    if (!rc) {
        rc = check_open(db, path, &found, &damage);
        if (rc == TIDE_CORRUPT)
            tide_fail(e, rc, "%s is damaged: %s", path, damage.text);
        else if (rc && e)
            *e = damage;
    }
    if (rc && db && (sqlite3_errcode(db) & 0xff) == SQLITE_NOTADB)
        rc = tide_fail(e, TIDE_INVALID, "%s is no database", path);
    sqlite3_close(db);
    if (version) *version = found;
    return rc;
}

enum tide_rc tide_backup_put(const char *path, const char *name, const void *bytes, size_t n,
                             struct tide_error *e)
{
    sqlite3 *db = NULL;
    enum tide_rc rc = open_file(path, SQLITE_OPEN_READWRITE, &db, e);
    if (!rc) rc = tide_sql_do(db, e, FILES_TABLE, "");
    if (!rc)
        rc = tide_sql_do(db, e, "INSERT INTO backup_files (name, bytes) VALUES (?, ?)", "tb", name,
                         bytes, n);
    sqlite3_close(db);
    return rc;
}

static enum tide_rc take_bytes(sqlite3 *db, const char *name, char **bytes, size_t *n,
                               struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e, "SELECT bytes FROM backup_files WHERE name = ?", "t", name);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        *n = (size_t)sqlite3_column_bytes(q, 0);
        *bytes = calloc(1, *n + 1);
        if (!*bytes) rc = tide_fail(e, TIDE_NOMEM, "read the backup");
    }
    if (!rc && *bytes && *n) memcpy(*bytes, sqlite3_column_blob(q, 0), *n);
    sqlite3_finalize(q);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_backup_take(const char *path, const char *name, char **bytes, size_t *n,
                              struct tide_error *e)
{
    sqlite3 *db = NULL;
    int64_t there = 0;
    *bytes = NULL;
    *n = 0;
    enum tide_rc rc = open_file(path, SQLITE_OPEN_READONLY, &db, e);
    if (!rc)
        rc = tide_sql_integer(db, &there, e,
                              "SELECT count(*) FROM sqlite_schema WHERE name = 'backup_files'", "");
    if (!rc && there) rc = take_bytes(db, name, bytes, n, e);
    sqlite3_close(db);
    return rc;
}

enum tide_rc tide_backup_strip(const char *path, struct tide_error *e)
{
    sqlite3 *db = NULL;
    enum tide_rc rc = open_file(path, SQLITE_OPEN_READWRITE, &db, e);
    if (!rc) rc = tide_sql_do(db, e, "DROP TABLE IF EXISTS backup_files", "");
    sqlite3_close(db);
    return rc ? rc : sync_file(path, e);
}

enum tide_rc tide_backup_settle(const char *path, struct tide_error *e)
{
    sqlite3 *db = NULL;
    enum tide_rc rc = open_file(path, SQLITE_OPEN_READWRITE, &db, e);
    if (!rc && sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL))
        rc = tide_sql_fail(db, path, e);
    sqlite3_close(db);
    return rc;
}
