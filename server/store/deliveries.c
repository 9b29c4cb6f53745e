/* deliveries.c - see deliveries.h. */
#include "store/deliveries.h"

#include "store/internal.h"

#include <stdlib.h>

enum tide_rc tide_store_put_deliveries(struct tide_store *s, const struct tide_news *n,
                                       int64_t now_ns, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc =
        tide_sql_do(s->writer, e,
                    "INSERT INTO deliveries (project, event, url, secret, body, status, created_ns,"
                    " next_ns) SELECT t.project, ?2, x.value ->> 'url',"
                    " coalesce(x.value ->> 'secret', ''), ?3, 'waiting', ?4, ?4"
                    " FROM triggers t, json_each(t.notify) x WHERE t.project = ?1",
                    "itti", n->project, n->event, n->body, now_ns);
    if (!rc)
        rc = tide_sql_do(s->writer, e,
                         "INSERT OR IGNORE INTO told_changes SELECT series, metric, commit_id"
                         " FROM changes WHERE id = ?",
                         "i", n->change);
    if (!rc)
        rc = tide_sql_do(s->writer, e, "UPDATE batches SET tell = 0 WHERE id = ?", "i", n->batch);
    return tide_store_commit(s, rc, e);
}

/* The one row of `sql`: id, project and the project's name. */
static enum tide_rc find_untold(struct tide_store *s, const char *sql, int64_t *id,
                                int64_t *project, char **name, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *name = NULL;
    enum tide_rc rc = tide_sql_prepare(db, &q, e, sql, "");
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        *id = sqlite3_column_int64(q, 0);
        *project = sqlite3_column_int64(q, 1);
        *name = tide_sql_text(q, 2);
        if (!*name) rc = tide_fail(e, TIDE_NOMEM, "read what is to be told");
    }
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "everything is told");
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_untold_batch(struct tide_store *s, int64_t *batch, int64_t *project,
                                     char **name, struct tide_error *e)
{
    return find_untold(
        s,
        /* CROSS: from the few batches on, never from all runs. */
        "SELECT b.id, p.id, p.name FROM batches b CROSS JOIN runs r ON r.batch = b.id"
        " JOIN cells l ON l.id = r.cell JOIN scenarios n ON n.id = l.scenario"
        " JOIN projects p ON p.id = n.project WHERE b.tell = 1 ORDER BY b.id LIMIT 1",
        batch, project, name, e);
}

enum tide_rc tide_store_untold_change(struct tide_store *s, int64_t *change, int64_t *project,
                                      char **name, struct tide_error *e)
{
    return find_untold(
        s,
        "SELECT g.id, p.id, p.name FROM changes g JOIN series t ON t.id = g.series"
        " JOIN scenarios n ON n.id = t.scenario JOIN projects p ON p.id = n.project"
        " JOIN triggers r ON r.project = p.id AND r.notify <> '[]'"
        " WHERE g.status = 'confirmed' AND g.effect > 0 AND g.reason IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM told_changes o WHERE o.series = g.series"
        "  AND o.metric = g.metric AND o.commit_id = g.commit_id) ORDER BY g.id LIMIT 1",
        change, project, name, e);
}

enum tide_rc tide_store_next_delivery(struct tide_store *s, int64_t now_ns,
                                      struct tide_delivery *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    char **const texts[] = {&out->event, &out->url, &out->secret, &out->body};
    *out = (struct tide_delivery){0};
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e,
                         "SELECT id, attempts, event, url, secret, body FROM deliveries"
                         " WHERE status = 'waiting' AND next_ns <= ? ORDER BY next_ns, id LIMIT 1",
                         "i", now_ns);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        out->id = sqlite3_column_int64(q, 0);
        out->attempts = sqlite3_column_int64(q, 1);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !rc; i++) {
        *texts[i] = tide_sql_text(q, 2 + (int)i);
        if (!*texts[i]) rc = tide_fail(e, TIDE_NOMEM, "read a delivery");
    }
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no delivery is due");
    sqlite3_finalize(q);
    tide_store_give(s, db);
    if (rc) tide_delivery_clear(out);
    return rc;
}

void tide_delivery_clear(struct tide_delivery *d)
{
    free(d->event);
    free(d->url);
    free(d->secret);
    free(d->body);
    *d = (struct tide_delivery){0};
}

enum tide_rc tide_store_end_delivery(struct tide_store *s, int64_t id, int code, const char *error,
                                     int64_t next_ns, int64_t now_ns, struct tide_error *e)
{
    const char *status = !error ? "delivered" : next_ns ? "waiting" : "dead";
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e,
                     "UPDATE deliveries SET status = ?2, attempts = attempts + 1,"
                     " code = nullif(?3, 0), error = ?4, next_ns = iif(?5, ?5, next_ns),"
                     " ended_ns = iif(?2 = 'waiting', NULL, ?6) WHERE id = ?1",
                     "ititii", id, status, (int64_t)code, error, next_ns, now_ns);
    return tide_store_commit(s, rc, e);
}

/* Within a transaction. */
static enum tide_rc retry(struct tide_store *s, int64_t id, struct tide_error *e)
{
    int64_t dead = 0;
    enum tide_rc rc = tide_sql_integer(
        s->writer, &dead, e, "SELECT status = 'dead' FROM deliveries WHERE id = ?", "i", id);
    if (rc == TIDE_ABSENT) return tide_fail(e, rc, "no delivery %lld", (long long)id);
    if (rc) return rc;
    if (!dead)
        return tide_fail(e, TIDE_CONFLICT,
                         "delivery %lld is no dead letter: it was delivered, or waits",
                         (long long)id);
    return tide_sql_do(s->writer, e,
                       "UPDATE deliveries SET status = 'waiting', next_ns = 0, ended_ns = NULL"
                       " WHERE id = ?",
                       "i", id);
}

enum tide_rc tide_store_retry_delivery(struct tide_store *s, int64_t id, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    return rc ? rc : tide_store_commit(s, retry(s, id, e), e);
}

#define DELIVERY_ROW                                                                  \
    "json_object('id', d.id, 'project', p.name, 'event', d.event, 'url', d.url,"      \
    " 'status', d.status, 'attempts', d.attempts, 'created_ns', d.created_ns,"        \
    " 'next_ns', iif(d.status = 'waiting', d.next_ns, NULL), 'ended_ns', d.ended_ns," \
    " 'code', d.code, 'error', d.error, 'body', json(d.body))"
#define DELIVERY_FROM "FROM deliveries d JOIN projects p ON p.id = d.project"

static const struct tide_list deliveries_list = {
    .name = "deliveries",
    .row = DELIVERY_ROW,
    .from = DELIVERY_FROM " WHERE (?1 IS NULL OR p.name = ?1) AND (?2 IS NULL OR d.status = ?2)",
    .id = "d.id",
    .sorts = (const struct tide_sort[]){{"status", "d.status"}, {NULL, NULL}},
    .sort = "-id",
};

enum tide_rc tide_store_deliveries_json(struct tide_store *s, const char *project,
                                        const char *status, const struct tide_page *page,
                                        struct tide_str *out, struct tide_error *e)
{
    return tide_store_list(s, &deliveries_list, page, out, e, "tt", project, status);
}

enum tide_rc tide_store_delivery_json(struct tide_store *s, int64_t id, struct tide_str *out,
                                      struct tide_error *e)
{
    return tide_store_put_one(s, "delivery", id, out, e,
                              "SELECT " DELIVERY_ROW " " DELIVERY_FROM " WHERE d.id = ?", "i", id);
}
