/* store.c - connections, transactions and migrations of the database; see store.h.
 *
 * The writer runs with synchronous=FULL: what a client was told survives a power loss, not only a
 * kill. Readers are opened read-only, so that none of them ever checkpoints: two connections that
 * checkpoint at once can corrupt a WAL in SQLite up to 3.51.2 (sqlite.org/wal.html#walresetbug). */
#include "store/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define BUSY_MS 5000

/* db/schema.sql and its migrations as strings, made by the build; NULL ends the table. */
extern const char *const tide_migrations[];

int64_t tide_schema_version(void)
{
    int64_t n = 0;
    while (tide_migrations[n])
        n++;
    return n;
}

enum tide_rc tide_sql_fail(sqlite3 *db, const char *what, struct tide_error *e)
{
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_NOMEM: return tide_fail(e, TIDE_NOMEM, "%s", what);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return tide_fail(e, TIDE_CORRUPT, "%s: %s", what, sqlite3_errmsg(db));
    default: return tide_fail(e, TIDE_IO, "%s: %s", what, sqlite3_errmsg(db));
    }
}

int tide_sql_bind_real(sqlite3_stmt *q, int at, double value)
{
    if (isnan(value)) return sqlite3_bind_null(q, at);
    if (fabs(value) < 9e15 && value == floor(value))
        return sqlite3_bind_int64(q, at, (int64_t)value);
    return sqlite3_bind_double(q, at, value);
}

static int bind_one(sqlite3_stmt *q, int at, char type, va_list *values)
{
    if (type == 't')
        return sqlite3_bind_text(q, at, va_arg(*values, const char *), -1, SQLITE_TRANSIENT);
    if (type == 'b') {
        const void *bytes = va_arg(*values, const void *);
        size_t n = va_arg(*values, size_t);
        return sqlite3_bind_blob64(q, at, bytes, n, SQLITE_TRANSIENT);
    }
    if (type == 'r') return tide_sql_bind_real(q, at, va_arg(*values, double));
    int64_t value = va_arg(*values, int64_t);
    return type == 'n' && value == -1 ? sqlite3_bind_null(q, at) : sqlite3_bind_int64(q, at, value);
}

enum tide_rc tide_sql_prepare_list(sqlite3 *db, sqlite3_stmt **out, struct tide_error *e,
                                   const char *sql, const char *types, va_list *values)
{
    if (sqlite3_prepare_v2(db, sql, -1, out, NULL)) return tide_sql_fail(db, "prepare", e);
    for (int i = 0; types[i]; i++)
        if (bind_one(*out, i + 1, types[i], values)) {
            enum tide_rc rc = tide_sql_fail(db, "bind", e);
            sqlite3_finalize(*out);
            *out = NULL;
            return rc;
        }
    return TIDE_OK;
}

enum tide_rc tide_sql_prepare(sqlite3 *db, sqlite3_stmt **out, struct tide_error *e,
                              const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    enum tide_rc rc = tide_sql_prepare_list(db, out, e, sql, types, &values);
    va_end(values);
    return rc;
}

enum tide_rc tide_sql_step(sqlite3_stmt *q, struct tide_error *e)
{
    int code = sqlite3_step(q);
    if (code == SQLITE_ROW) return TIDE_OK;
    if (code == SQLITE_DONE) return TIDE_ABSENT;
    return tide_sql_fail(sqlite3_db_handle(q), "database", e);
}

enum tide_rc tide_sql_do(sqlite3 *db, struct tide_error *e, const char *sql, const char *types, ...)
{
    sqlite3_stmt *q = NULL;
    va_list values;
    va_start(values, types);
    enum tide_rc rc = tide_sql_prepare_list(db, &q, e, sql, types, &values);
    va_end(values);
    while (!rc)
        rc = tide_sql_step(q, e);
    sqlite3_finalize(q);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_sql_integer(sqlite3 *db, int64_t *out, struct tide_error *e, const char *sql,
                              const char *types, ...)
{
    sqlite3_stmt *q = NULL;
    va_list values;
    va_start(values, types);
    enum tide_rc rc = tide_sql_prepare_list(db, &q, e, sql, types, &values);
    va_end(values);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        *out = sqlite3_column_int64(q, 0);
        /* A RETURNING statement has done its work only once it was stepped to its end. */
        enum tide_rc end = tide_sql_step(q, e);
        if (end != TIDE_ABSENT) rc = end;
    }
    sqlite3_finalize(q);
    return rc;
}

enum tide_rc tide_sql_texts(sqlite3_stmt *q, enum tide_rc rc, struct tide_str *out,
                            struct tide_error *e)
{
    while (!rc && !(rc = tide_sql_step(q, e))) {
        const char *text = (const char *)sqlite3_column_text(q, 0);
        tide_str_add(out, text, strlen(text) + 1);
    }
    sqlite3_finalize(q);
    if (rc == TIDE_ABSENT) rc = TIDE_OK;
    return !rc && out->failed ? tide_fail(e, TIDE_NOMEM, "read a list from the database") : rc;
}

char *tide_sql_text(sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    return strdup(text ? text : "");
}

double tide_sql_real(sqlite3_stmt *q, int column)
{
    return sqlite3_column_type(q, column) == SQLITE_NULL ? NAN : sqlite3_column_double(q, column);
}

enum tide_rc tide_store_begin(struct tide_store *s, struct tide_error *e)
{
    pthread_mutex_lock(&s->writing);
    enum tide_rc rc = tide_sql_do(s->writer, e, "BEGIN IMMEDIATE", "");
    if (rc) pthread_mutex_unlock(&s->writing);
    return rc;
}

/* ---- stamps of runs ---- */

static void note_touched(void *context, int what, char const *schema, char const *table,
                         sqlite3_int64 id)
{
    struct tide_store *s = context;
    (void)what;
    (void)schema;
    if (!strcmp(table, "runs")) s->touched[(uint64_t)id % TIDE_STORE_STAMPS] = true;
}

/* After a transaction that came to nothing too: a stamp may change without need, never the reverse.
 */
static void raise_stamps(struct tide_store *s)
{
    for (size_t i = 0; i < TIDE_STORE_STAMPS; i++)
        if (s->touched[i]) {
            s->touched[i] = false;
            s->stamps[i]++;
        }
}

uint32_t tide_store_stamp(const struct tide_store *s, int64_t run)
{
    return s->stamps[(uint64_t)run % TIDE_STORE_STAMPS];
}

enum tide_rc tide_store_commit(struct tide_store *s, enum tide_rc rc, struct tide_error *e)
{
    if (!rc) rc = tide_store_mark_answer(s, e);
    if (!rc) rc = tide_sql_do(s->writer, e, "COMMIT", "");
    raise_stamps(s);
    if (rc && !sqlite3_get_autocommit(s->writer))
        sqlite3_exec(s->writer, "ROLLBACK", NULL, NULL, NULL);
    pthread_mutex_unlock(&s->writing);
    return rc;
}

sqlite3 *tide_store_lend(struct tide_store *s)
{
    sqlite3 *db = NULL;
    pthread_mutex_lock(&s->lending);
    while (!db) {
        for (int i = 0; i < TIDE_STORE_READERS && !db; i++)
            if (!s->lent[i]) {
                s->lent[i] = true;
                db = s->readers[i];
            }
        if (!db) pthread_cond_wait(&s->returned, &s->lending);
    }
    pthread_mutex_unlock(&s->lending);
    return db;
}

void tide_store_give(struct tide_store *s, sqlite3 *db)
{
    pthread_mutex_lock(&s->lending);
    for (int i = 0; i < TIDE_STORE_READERS; i++)
        if (s->readers[i] == db) s->lent[i] = false;
    pthread_cond_signal(&s->returned);
    pthread_mutex_unlock(&s->lending);
}

enum tide_rc tide_log_pack(const char *log, size_t n, void **out, size_t *size,
                           struct tide_error *e)
{
    size_t room = ZSTD_compressBound(n);
    *out = malloc(room);
    if (!*out) return tide_fail(e, TIDE_NOMEM, "compress a log");
    *size = ZSTD_compress(*out, room, log, n, 3);
    if (!ZSTD_isError(*size)) return TIDE_OK;
    free(*out);
    *out = NULL;
    return tide_fail(e, TIDE_NOMEM, "compress a log: %s", ZSTD_getErrorName(*size));
}

/* Migrations run without foreign keys, so that a table can be made anew under its old name
 * (sqlite.org/lang_altertable.html): that every reference holds is checked at their end. */
static enum tide_rc check_references(struct tide_store *s, struct tide_error *e)
{
    int64_t broken = 0;
    enum tide_rc rc = tide_sql_integer(s->writer, &broken, e,
                                       "SELECT count(*) FROM pragma_foreign_key_check", "");
    return rc || !broken ? rc
                         : tide_fail(e, TIDE_CORRUPT, "%s: %lld rows refer to rows that are gone",
                                     s->path, (long long)broken);
}

/* Bring the database from `version` to the newest one, in one transaction. */
static enum tide_rc upgrade(struct tide_store *s, int64_t version, struct tide_error *e)
{
    char set_version[48];
    snprintf(set_version, sizeof set_version, "PRAGMA user_version = %lld",
             (long long)tide_schema_version());
    int64_t summarised = 0;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(s->writer, &summarised, e,
                          "SELECT count(*) FROM sqlite_master WHERE name = 'summaries'", "");
    for (int64_t v = version; tide_migrations[v] && !rc; v++)
        if (sqlite3_exec(s->writer, tide_migrations[v], NULL, NULL, NULL))
            rc = tide_sql_fail(s->writer, "create the tables", e);
    if (!rc) rc = check_references(s, e);
    if (!rc && !summarised) rc = tide_store_fill_summaries(s->writer, e);
    if (!rc) rc = tide_sql_do(s->writer, e, set_version, "");
    return tide_store_commit(s, rc, e);
}

static enum tide_rc migrate(struct tide_store *s, struct tide_error *e)
{
    int64_t version = 0, known = tide_schema_version();
    enum tide_rc rc = tide_sql_integer(s->writer, &version, e, "PRAGMA user_version", "");
    if (rc) return rc;
    if (version > known)
        return tide_fail(
            e, TIDE_NEWER,
            "%s was written by a newer Tidemark (schema %lld, this program knows %lld): "
            "update Tidemark or name another --data",
            s->path, (long long)version, (long long)known);
    if (version < known) rc = upgrade(s, version, e);
    return rc ? rc : tide_sql_do(s->writer, e, "PRAGMA foreign_keys = ON", "");
}

static enum tide_rc requeue_interrupted(struct tide_store *s, struct tide_error *e)
{
    static const char *const before[] = {
        /* An import that was cut is nobody's to go on with: its file is read again or not. */
        "DELETE FROM runs WHERE imported AND status = 'running'",
        "DELETE FROM batches WHERE NOT EXISTS (SELECT 1 FROM runs WHERE batch = batches.id)",
    };
    static const char *const after[] = {
        /* Ended runs may refer to one too: a build that was done once is begun anew
         * under its row. */
        "UPDATE runs SET build = NULL"
        " WHERE build IN (SELECT id FROM builds WHERE status = 'building')",
        "DELETE FROM builds WHERE status = 'building'",
    };
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    for (size_t i = 0; i < sizeof before / sizeof *before && !rc; i++)
        rc = tide_sql_do(s->writer, e, before[i], "");
    if (!rc) rc = tide_store_clear_anew(s, e);
    if (!rc)
        rc = tide_sql_do(
            s->writer, e,
            "INSERT INTO anew SELECT id FROM runs WHERE status IN ('building', 'running')", "");
    if (!rc) rc = tide_store_begin_anew(s, e);
    for (size_t i = 0; i < sizeof after / sizeof *after && !rc; i++)
        rc = tide_sql_do(s->writer, e, after[i], "");
    if (!rc) rc = tide_store_forget_claims(s, e);
    return tide_store_commit(s, rc, e);
}

static enum tide_rc connect_writer(struct tide_store *s, struct tide_error *e)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(s->path, &s->writer, flags, NULL))
        return tide_fail(e, TIDE_IO, "open %s: %s", s->path, sqlite3_errmsg(s->writer));
    sqlite3_busy_timeout(s->writer, BUSY_MS);
    sqlite3_update_hook(s->writer, note_touched, s);
    if (sqlite3_exec(s->writer,
                     "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                     "PRAGMA temp_store = MEMORY",
                     NULL, NULL, NULL))
        return tide_sql_fail(s->writer, s->path, e);
    return TIDE_OK;
}

static enum tide_rc connect_readers(struct tide_store *s, struct tide_error *e)
{
    for (int i = 0; i < TIDE_STORE_READERS; i++) {
        int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
        if (sqlite3_open_v2(s->path, &s->readers[i], flags, NULL))
            return tide_fail(e, TIDE_IO, "open %s: %s", s->path, sqlite3_errmsg(s->readers[i]));
        sqlite3_busy_timeout(s->readers[i], BUSY_MS);
        if (sqlite3_exec(s->readers[i], "PRAGMA cache_size = -1024", NULL, NULL, NULL)) /* KiB */
            return tide_sql_fail(s->readers[i], s->path, e);
    }
    return TIDE_OK;
}

/* An object without connections. */
static enum tide_rc prepare_store(const char *path, struct tide_store **out, struct tide_error *e)
{
    struct tide_store *s = calloc(1, sizeof *s);
    *out = s;
    if (!s) return tide_fail(e, TIDE_NOMEM, "open %s", path);
    pthread_mutex_init(&s->writing, NULL);
    pthread_mutex_init(&s->lending, NULL);
    pthread_cond_init(&s->returned, NULL);
    s->path = strdup(path);
    return s->path ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "open %s", path);
}

static enum tide_rc check_version(struct tide_store *s, struct tide_error *e)
{
    int64_t version = 0, known = tide_schema_version();
    enum tide_rc rc = tide_sql_integer(s->readers[0], &version, e, "PRAGMA user_version", "");
    if (rc || version == known) return rc;
    return tide_fail(e, version > known ? TIDE_NEWER : TIDE_INVALID,
                     "%s has schema %lld, this program reads %lld: %s", s->path, (long long)version,
                     (long long)known,
                     version > known ? "update Tidemark"
                                     : "start `tidemark serve` once, which brings it up to date");
}

enum tide_rc tide_store_open_reader(const char *path, struct tide_store **out, struct tide_error *e)
{
    struct tide_store *s = NULL;
    *out = NULL;
    enum tide_rc rc = prepare_store(path, &s, e);
    if (!rc) rc = connect_readers(s, e);
    if (!rc) rc = check_version(s, e);
    if (rc)
        tide_store_close(s);
    else
        *out = s;
    return rc;
}

enum tide_rc tide_store_open(const char *path, struct tide_store **out, struct tide_error *e)
{
    struct tide_store *s = NULL;
    *out = NULL;
    enum tide_rc rc = prepare_store(path, &s, e);
    if (!rc) rc = connect_writer(s, e);
    if (!rc) rc = migrate(s, e);
    if (!rc) rc = requeue_interrupted(s, e);
    if (!rc) rc = connect_readers(s, e);
    if (rc) {
        tide_store_close(s);
        return rc;
    }
    *out = s;
    return TIDE_OK;
}

void tide_store_close(struct tide_store *s)
{
    if (!s) return;
    for (int i = 0; i < TIDE_STORE_READERS; i++)
        sqlite3_close(s->readers[i]);
    sqlite3_close(s->writer); /* last: it checkpoints */
    pthread_cond_destroy(&s->returned);
    pthread_mutex_destroy(&s->lending);
    pthread_mutex_destroy(&s->writing);
    free(s->path);
    free(s);
}
