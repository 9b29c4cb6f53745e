/* triggers.c - see triggers.h. */
#include "store/triggers.h"

#include "base/clock.h"
#include "store/internal.h"

#include <stdlib.h>

#define HOOKS_KEPT_NS (INT64_C(366) * 86400 * 1000000000)

void tide_trigger_clear(struct tide_trigger *t)
{
    char *const texts[] = {t->name,    t->cron,    t->timezone,   t->secret, t->tip,
                           t->request, t->pending, t->pending_by, t->notify};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    *t = (struct tide_trigger){0};
}

#define COLUMNS                                                                             \
    "SELECT p.id, coalesce(t.poll_s, 0), coalesce(t.on_new_python, 0),"                     \
    " coalesce(t.served_ns, 0), coalesce(t.polled_ns, 0), p.name,"                          \
    " coalesce(t.cron, '[]'), coalesce(t.timezone, 'UTC'), coalesce(t.secret, ''),"         \
    " coalesce(t.request, ''), coalesce(t.tip, ''), coalesce(t.pending, ''),"               \
    " coalesce(t.pending_by, ''), coalesce(t.notify, '[]'), coalesce(t.pending_n, 0) FROM " \
    "projects p LEFT JOIN triggers t "                                                      \
    "ON t.project = p.id"

static enum tide_rc read_row(sqlite3_stmt *q, struct tide_trigger *t, struct tide_error *e)
{
    char **const texts[] = {&t->name, &t->cron,    &t->timezone,   &t->secret, &t->request,
                            &t->tip,  &t->pending, &t->pending_by, &t->notify};
    *t = (struct tide_trigger){
        .project = sqlite3_column_int64(q, 0),
        .poll_s = sqlite3_column_int64(q, 1),
        .on_new_python = sqlite3_column_int(q, 2) != 0,
        .served_ns = sqlite3_column_int64(q, 3),
        .polled_ns = sqlite3_column_int64(q, 4),
        .pending_n = sqlite3_column_int64(q, 14),
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        *texts[i] = tide_sql_text(q, 5 + (int)i);
        if (*texts[i]) continue;
        tide_trigger_clear(t);
        return tide_fail(e, TIDE_NOMEM, "read a project's triggers");
    }
    return TIDE_OK;
}

enum tide_rc tide_store_find_trigger(struct tide_store *s, int64_t project,
                                     struct tide_trigger *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_trigger){0};
    enum tide_rc rc = tide_sql_prepare(db, &q, e, COLUMNS " WHERE p.id = ?", "i", project);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) rc = read_row(q, out, e);
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no project %lld", (long long)project);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_set_trigger(struct tide_store *s, const struct tide_trigger *t,
                                    struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    if (t->on_new_python)
        rc = tide_sql_do(s->writer, e,
                         "INSERT OR IGNORE INTO known_pythons SELECT ?1, identity FROM pythons"
                         " WHERE present AND reason IS NULL AND NOT EXISTS (SELECT 1 FROM triggers"
                         "  WHERE project = ?1 AND on_new_python)",
                         "i", t->project);
    if (!rc)
        rc = tide_sql_do(
            s->writer, e,
            "INSERT OR IGNORE INTO told_changes SELECT g.series, g.metric, g.commit_id"
            " FROM changes g JOIN series t ON t.id = g.series JOIN scenarios n ON n.id = t.scenario"
            " WHERE n.project = ?1 AND NOT EXISTS"
            " (SELECT 1 FROM triggers WHERE project = ?1 AND notify <> '[]')",
            "i", t->project);
    if (!rc)
        rc = tide_sql_do(
            s->writer, e,
            "INSERT INTO triggers (project, cron, timezone, poll_s, secret, on_new_python,"
            " request, served_ns, notify)"
            " VALUES (?1, ?2, ?3, nullif(?4, 0), ?5, ?6, ?7, ?8, ?9)"
            " ON CONFLICT (project) DO UPDATE SET cron = ?2, timezone = ?3,"
            " poll_s = nullif(?4, 0), secret = ?5, on_new_python = ?6, request = ?7, notify = ?9,"
            " served_ns = iif(cron = ?2 AND timezone = ?3, served_ns, ?8),"
            " tip = iif(?4 = 0 AND ?5 = '', '', tip), polled_ns = iif(?4 = 0, 0, polled_ns)",
            "ittititit", t->project, t->cron, t->timezone, t->poll_s, t->secret,
            (int64_t)t->on_new_python, t->request, t->served_ns, t->notify);
    return tide_store_commit(s, rc, e);
}

/* One row more in the growing list. */
static enum tide_rc append(sqlite3_stmt *q, struct tide_trigger **list, size_t *n,
                           struct tide_error *e)
{
    struct tide_trigger *grown = realloc(*list, (*n + 1) * sizeof **list);
    if (!grown) return tide_fail(e, TIDE_NOMEM, "list the triggers");
    *list = grown;
    enum tide_rc rc = read_row(q, &grown[*n], e);
    *n += !rc;
    return rc;
}

enum tide_rc tide_store_triggers(struct tide_store *s, struct tide_trigger **out, size_t *n,
                                 struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = NULL;
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        COLUMNS " WHERE p.enabled AND t.request <> '' AND (t.cron <> '[]' OR t.poll_s IS NOT NULL"
                " OR t.on_new_python OR t.pending <> '') ORDER BY p.id",
        "");
    while (!rc && (rc = tide_sql_step(q, e)) == TIDE_OK)
        rc = append(q, out, n, e);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

/* Within a transaction. */
static enum tide_rc put_pending(struct tide_store *s, int64_t project, const char *reason,
                                const char *by, struct tide_error *e)
{
    return tide_sql_do(s->writer, e,
                       "UPDATE triggers SET pending = ?2, pending_by = ?3,"
                       " pending_n = pending_n + 1 WHERE project = ?1",
                       "itt", project, reason, by);
}

enum tide_rc tide_store_mark_trigger(struct tide_store *s, int64_t project,
                                     const struct tide_trigger_mark *m, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e,
                     "UPDATE triggers SET served_ns = iif(?2, ?2, served_ns),"
                     " polled_ns = iif(?3, ?3, polled_ns), tip = coalesce(?4, tip)"
                     " WHERE project = ?1",
                     "iiit", project, m->served_ns, m->polled_ns, m->tip);
    if (!rc && m->reason) rc = put_pending(s, project, m->reason, m->by, e);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_serve_trigger(struct tide_store *s, const struct tide_served *served,
                                      int64_t batch, const char *error, struct tide_error *e)
{
    enum tide_rc rc =
        tide_sql_do(s->writer, e,
                    "UPDATE triggers SET pending = iif(pending_n = ?2, '', pending),"
                    " pending_by = iif(pending_n = ?2, '', pending_by), last = json_object("
                    "'reason', ?3, 'by', ?4, 'at_ns', ?5, 'batch', nullif(?6, 0), 'error', ?7)"
                    " WHERE project = ?1",
                    "iittiit", served->project, served->pending_n, served->reason, served->by,
                    tide_clock_unix_ns(), batch, error);
    if (rc || !served->pythons) return rc;
    return tide_sql_do(s->writer, e,
                       "INSERT OR IGNORE INTO known_pythons SELECT ?1, identity FROM pythons"
                       " WHERE present AND name IN (SELECT value FROM json_each(?2))",
                       "it", served->project, served->pythons);
}

enum tide_rc tide_store_drop_trigger(struct tide_store *s, const struct tide_served *served,
                                     const char *why, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    return rc ? rc : tide_store_commit(s, tide_store_serve_trigger(s, served, 0, why, e), e);
}

static enum tide_rc remember_hook(struct tide_store *s, int64_t project, const char *name,
                                  struct tide_error *e)
{
    enum tide_rc rc = tide_sql_do(s->writer, e, "INSERT OR IGNORE INTO hooks VALUES (?, ?, ?)",
                                  "iti", project, name, tide_clock_unix_ns());
    if (!rc && !sqlite3_changes(s->writer))
        rc = tide_fail(e, TIDE_CONFLICT, "this delivery was taken before (%s)", name);
    return rc;
}

enum tide_rc tide_store_take_hook(struct tide_store *s, int64_t project, const char *delivery,
                                  const char *content, bool queue, const char *by,
                                  struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "DELETE FROM hooks WHERE seen_ns < ?", "i",
                     tide_clock_unix_ns() - HOOKS_KEPT_NS);
    if (!rc) rc = remember_hook(s, project, delivery, e);
    if (!rc) rc = remember_hook(s, project, content, e);
    if (!rc && queue) rc = put_pending(s, project, "webhook", by, e);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_new_pythons(struct tide_store *s, int64_t project, struct tide_str *out,
                                    struct tide_error *e)
{
    return tide_store_put_one(s, "project", project, out, e,
                              "SELECT json_group_array(name) FROM pythons WHERE present"
                              " AND reason IS NULL AND identity NOT IN"
                              " (SELECT identity FROM known_pythons WHERE project = ?)",
                              "i", project);
}
