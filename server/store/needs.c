/* needs.c - see needs.h. */
#include "store/needs.h"

#include "store/internal.h"

#include <stdlib.h>

enum tide_rc tide_store_queue_head(struct tide_store *s, size_t most, int64_t *runs, size_t *n,
                                   struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(db, &q, e, TIDE_QUEUE_SQL " LIMIT ?1", "i", (int64_t)most);
    while (!rc && (rc = tide_sql_step(q, e)) == TIDE_OK)
        runs[(*n)++] = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

/* Each step asks more widely. Of a scenario that was edited the earlier versions count too. */
#define ALIKE                                                                     \
    "SELECT max(x.tide_mark) FROM scenarios v JOIN cells m ON m.scenario = v.id"  \
    " AND m.params = l.params JOIN runs x ON x.cell = m.id AND x.status = 'done'" \
    " WHERE v.project = s.project AND v.name = s.name"
static const char need_query[] =
    "SELECT r.batch, s.id, s.file, s.name, l.params,"
    " coalesce((SELECT max(tide_mark) FROM runs WHERE cell = l.id AND status = 'done'),"
    "  (" ALIKE " AND m.python = l.python), (" ALIKE "), 0),"
    " n.scenario IS NOT NULL, coalesce(n.floor, 0), coalesce(n.memory, 0),"
    " r.waiting IS NOT NULL"
    " FROM runs r JOIN cells l ON l.id = r.cell JOIN scenarios s ON s.id = l.scenario"
    " LEFT JOIN needs n ON n.scenario = s.id AND n.params = l.params"
    " WHERE r.id = ?1 AND r.status = 'queued'";

enum tide_rc tide_store_need(struct tide_store *s, int64_t run, struct tide_need *out,
                             struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_need){.run = run};
    enum tide_rc rc = tide_sql_prepare(db, &q, e, need_query, "i", run);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        out->batch = sqlite3_column_int64(q, 0);
        out->scenario = sqlite3_column_int64(q, 1);
        out->file = tide_sql_text(q, 2);
        out->name = tide_sql_text(q, 3);
        out->params = tide_sql_text(q, 4);
        out->past = sqlite3_column_int64(q, 5);
        out->known = sqlite3_column_int(q, 6) != 0;
        out->floor = sqlite3_column_int64(q, 7);
        out->memory = sqlite3_column_int64(q, 8);
        out->waiting = sqlite3_column_int(q, 9) != 0;
        if (!out->file || !out->name || !out->params)
            rc = tide_fail(e, TIDE_NOMEM, "read what a run needs");
    }
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "run %lld is not queued", (long long)run);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    if (rc) tide_need_clear(out);
    return rc;
}

void tide_need_clear(struct tide_need *n)
{
    free(n->file);
    free(n->name);
    free(n->params);
    *n = (struct tide_need){0};
}

enum tide_rc tide_store_put_need(struct tide_store *s, const struct tide_need *n,
                                 struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "INSERT OR REPLACE INTO needs VALUES (?, ?, ?, ?)", "itii",
                     n->scenario, n->params, n->floor, n->memory);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_set_waiting(struct tide_store *s, int64_t run, const char *why,
                                    struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE runs SET waiting = ? WHERE id = ? AND status = 'queued'",
                     "ti", why, run);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_give_back(struct tide_store *s, int64_t run, const char *why,
                                  struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e,
                     "UPDATE runs SET status = 'queued', waiting = ? WHERE id = ?"
                     " AND status = 'building'",
                     "ti", why, run);
    return tide_store_commit(s, rc, e);
}
