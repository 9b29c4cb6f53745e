/* sweep.c - see sweep.h. */
#include "store/sweep.h"

#include "store/internal.h"

/* Two integers of a query on a reader. */
static enum tide_rc ask_two(struct tide_store *s, int64_t *first, int64_t *second,
                            struct tide_error *e, const char *sql, const char *types, ...)
{
    sqlite3_stmt *q = NULL;
    va_list values;
    sqlite3 *db = tide_store_lend(s);
    va_start(values, types);
    enum tide_rc rc = tide_sql_prepare_list(db, &q, e, sql, types, &values);
    va_end(values);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        *first = sqlite3_column_int64(q, 0);
        *second = sqlite3_column_int64(q, 1);
    }
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

#define OLD " WHERE status = 'done' AND log IS NOT NULL AND finished_ns < ?1"

enum tide_rc tide_store_sweep_logs(struct tide_store *s, int64_t before_ns, bool dry,
                                   struct tide_swept *out, struct tide_error *e)
{
    *out = (struct tide_swept){0};
    enum tide_rc rc =
        ask_two(s, &out->n, &out->bytes, e,
                "SELECT count(*), coalesce(sum(length(log)), 0) FROM"
                " (SELECT log FROM runs" OLD " UNION ALL SELECT log FROM builds" OLD ")",
                "i", before_ns);
    if (rc || dry || !out->n) return rc;
    rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE runs SET log = NULL" OLD, "i", before_ns);
    if (!rc) rc = tide_sql_do(s->writer, e, "UPDATE builds SET log = NULL" OLD, "i", before_ns);
    return tide_store_commit(s, rc, e);
}

#define ORPHANED " WHERE run NOT IN (SELECT id FROM runs)"

enum tide_rc tide_store_sweep_chunks(struct tide_store *s, bool dry, struct tide_swept *out,
                                     struct tide_error *e)
{
    *out = (struct tide_swept){0};
    enum tide_rc rc = ask_two(s, &out->n, &out->bytes, e,
                              "SELECT count(*), coalesce(sum(size), 0) FROM"
                              " (SELECT length(payload) AS size FROM event_chunks" ORPHANED
                              " UNION ALL SELECT length(data) FROM curve_chunks" ORPHANED ")",
                              "");
    if (rc || dry || !out->n) return rc;
    rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "DELETE FROM event_chunks" ORPHANED, "");
    if (!rc) rc = tide_sql_do(s->writer, e, "DELETE FROM curve_chunks" ORPHANED, "");
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_slack(struct tide_store *s, int64_t *size, int64_t *unused,
                              struct tide_error *e)
{
    return ask_two(s, size, unused, e,
                   "SELECT page_count * page_size, freelist_count * page_size"
                   " FROM pragma_page_count, pragma_page_size, pragma_freelist_count",
                   "");
}

enum tide_rc tide_store_vacuum(struct tide_store *s, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    pthread_mutex_lock(&s->writing); /* no transaction: VACUUM has one of its own */
    if (sqlite3_exec(s->writer, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL))
        rc = tide_sql_fail(s->writer, "write the database anew", e);
    pthread_mutex_unlock(&s->writing);
    return rc;
}

enum tide_rc tide_store_project_gone(struct tide_store *s, int64_t project, bool *gone,
                                     struct tide_error *e)
{
    int64_t there = 0, given = 0;
    enum tide_rc rc =
        ask_two(s, &there, &given, e,
                "SELECT EXISTS (SELECT 1 FROM projects WHERE id = ?1),"
                " coalesce((SELECT seq >= ?1 FROM sqlite_sequence WHERE name = 'projects'), 0)",
                "i", project);
    *gone = !rc && !there && given;
    return rc;
}

enum tide_rc tide_store_build_gone(struct tide_store *s, const char *key, bool *gone,
                                   struct tide_error *e)
{
    int64_t there = 1, unused;
    enum tide_rc rc = ask_two(s, &there, &unused, e,
                              "SELECT EXISTS (SELECT 1 FROM builds WHERE key = ?1), 0", "t", key);
    *gone = !rc && !there;
    return rc;
}
