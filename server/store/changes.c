/* changes.c - see changes.h. */
#include "store/changes.h"

#include "base/clock.h"
#include "store/internal.h"
#include "store/lists.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DAY_NS 86400000000000

const enum tide_metric tide_kept_metrics[TIDE_KEPT_METRICS] = {TIDE_METRIC_TIDE_MARK,
                                                               TIDE_METRIC_RETAINED};

static int compare_points(const void *a, const void *b)
{
    int64_t left = ((const struct tide_series_point *)a)->position;
    int64_t right = ((const struct tide_series_point *)b)->position;
    return (left > right) - (left < right);
}

enum tide_rc tide_store_line_points(struct tide_store *s, int64_t series, enum tide_metric metric,
                                    struct tide_series_point **out, size_t *n, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT l.position, u.commit_id, u.cell, u.n, u.minimum, u.maximum, u.median, u.low, u.high"
        " FROM summaries u JOIN line l ON l.commit_id = u.commit_id"
        " WHERE u.series = ? AND u.metric = ?",
        "ii", series, (int64_t)metric);
    rc = tide_sql_points(q, rc, out, n, e);
    tide_store_give(s, db);
    if (*n) qsort(*out, *n, sizeof **out, compare_points);
    return rc;
}

enum tide_rc tide_store_stale(struct tide_store *s, size_t most, struct tide_stale *out, size_t *n,
                              struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *n = 0;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e, "SELECT series, version FROM stale_series ORDER BY series LIMIT ?", "i",
        (int64_t)most);
    while (!rc && !(rc = tide_sql_step(q, e)))
        out[(*n)++] = (struct tide_stale){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1)};
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_settle(struct tide_store *s, const struct tide_stale *stale,
                               struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "DELETE FROM stale_series WHERE series = ? AND version = ?",
                     "ii", stale->series, stale->version);
    return tide_store_commit(s, rc, e);
}

/* ---- the same change again ---- */

struct kept { /* what stands in the database */
    int64_t id;
    size_t index; /* of its commit among the points; n when it is not there */
    double effect;
    bool dropped, taken;
};

static enum tide_rc read_kept(sqlite3 *db, int64_t series, enum tide_metric metric,
                              const struct tide_series_point *points, size_t n, struct kept **out,
                              size_t *n_out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e,
                         "SELECT id, commit_id, effect, status = 'dropped' FROM changes"
                         " WHERE series = ? AND metric = ? ORDER BY id",
                         "ii", series, (int64_t)metric);
    while (!rc && !(rc = tide_sql_step(q, e))) {
        struct kept *more = realloc(*out, (*n_out + 1) * sizeof *more);
        if (!more) {
            rc = tide_fail(e, TIDE_NOMEM, "keep the changes of a series");
            break;
        }
        *out = more;
        struct kept *k = &more[(*n_out)++];
        *k = (struct kept){.id = sqlite3_column_int64(q, 0),
                           .effect = sqlite3_column_double(q, 2),
                           .dropped = sqlite3_column_int(q, 3) > 0};
        int64_t commit = sqlite3_column_int64(q, 1);
        while (k->index < n && points[k->index].commit != commit)
            k->index++;
    }
    sqlite3_finalize(q);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

/* The kept change that this one is: at its place, else the nearest of its direction that is not
 * dropped; NULL for none. */
static struct kept *find_kept(struct kept *kept, size_t n, const struct tide_change_row *row,
                              bool exact)
{
    struct kept *best = NULL;
    size_t least = exact ? 0 : TIDE_CHANGE_MOVES;
    for (size_t i = 0; i < n; i++) {
        struct kept *k = &kept[i];
        size_t apart = k->index > row->index ? k->index - row->index : row->index - k->index;
        bool same = exact || (!k->dropped && (k->effect > 0) == (row->effect > 0));
        if (k->taken || !same || apart > least) continue;
        if (best && apart >= least) continue;
        best = k;
        least = apart;
    }
    return best;
}

/* A second look counts for the two commits that it measured: where points that came in between have
 * moved one of them, the change is as if it had none. */
#define LOOKED "commit_id = ?2 AND previous = ?3"
#define STATUS "iif(?9 = 'suspect' AND second IS NOT NULL AND " LOOKED ", second, ?9)"

static enum tide_rc put_change(sqlite3 *db, int64_t id, int64_t series, enum tide_metric metric,
                               const struct tide_series_point *points,
                               const struct tide_change_row *r, struct tide_error *e)
{
    const char *status = r->confirmed ? "confirmed" : "suspect";
    const char *kind = r->creep ? "creep" : "step";
    double low = isfinite(r->low) ? r->low : NAN, high = isfinite(r->high) ? r->high : NAN;
    int64_t commit = points[r->index].commit, previous = points[r->index - 1].commit;
    int64_t last = points[r->end].commit;
    if (id)
        return tide_sql_do(
            db, e,
            "UPDATE changes SET commit_id = ?2, previous = ?3, last = ?4, before = ?5,"
            " after = ?6, effect = ?7, kind = ?8, status = " STATUS
            ", low = ?10, high = ?11, batch = iif(" LOOKED ", batch, NULL),"
            " second = iif(" LOOKED ", second, NULL) WHERE id = ?1",
            "iiiirrrttrr", id, commit, previous, last, r->before, r->after, r->effect, kind, status,
            low, high);
    return tide_sql_do(db, e,
                       "INSERT INTO changes (series, metric, commit_id, previous, last, before,"
                       " after, effect, kind, status, low, high, found_ns)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                       "iiiiirrrttrri", series, (int64_t)metric, commit, previous, last, r->before,
                       r->after, r->effect, kind, status, low, high, tide_clock_unix_ns());
}

/* Those at their place first, so that none takes the row of another. */
static enum tide_rc sync_changes(sqlite3 *db, int64_t series, enum tide_metric metric,
                                 const struct tide_series_point *points,
                                 const struct tide_change_row *rows, size_t n_rows,
                                 struct kept *kept, size_t n_kept, int64_t *ids,
                                 struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (int exact = 1; exact >= 0; exact--)
        for (size_t i = 0; i < n_rows; i++) {
            struct kept *k = ids[i] ? NULL : find_kept(kept, n_kept, &rows[i], exact);
            if (!k) continue;
            ids[i] = k->id;
            k->taken = true;
        }
    for (size_t i = 0; i < n_kept && !rc; i++)
        if (!kept[i].taken && !kept[i].dropped)
            rc = tide_sql_do(db, e, "UPDATE changes SET status = 'dropped' WHERE id = ?", "i",
                             kept[i].id);
    for (size_t i = 0; i < n_rows && !rc; i++)
        rc = put_change(db, ids[i], series, metric, points, &rows[i], e);
    return rc;
}

enum tide_rc tide_store_put_changes(struct tide_store *s, int64_t series, enum tide_metric metric,
                                    const struct tide_series_point *points, size_t n,
                                    const struct tide_change_row *rows, size_t n_rows,
                                    struct tide_error *e)
{
    struct kept *kept = NULL;
    size_t n_kept = 0;
    int64_t *ids = calloc(n_rows + 1, sizeof *ids);
    if (!ids) return tide_fail(e, TIDE_NOMEM, "keep the changes of a series");
    enum tide_rc rc = tide_store_begin(s, e);
    if (!rc) {
        rc = read_kept(s->writer, series, metric, points, n, &kept, &n_kept, e);
        if (!rc)
            rc =
                sync_changes(s->writer, series, metric, points, rows, n_rows, kept, n_kept, ids, e);
        rc = tide_store_commit(s, rc, e);
    }
    free(kept);
    free(ids);
    return rc;
}

/* ---- the second look ---- */

void tide_suspect_clear(struct tide_suspect *s)
{
    free(s->project);
    free(s->sha);
    free(s->previous);
    free(s->scenario);
    free(s->python);
    free(s->params);
    free(s->allocator);
    *s = (struct tide_suspect){0};
}

static enum tide_rc take_suspect(sqlite3_stmt *q, struct tide_suspect *out, struct tide_error *e)
{
    char **texts[] = {&out->project, &out->sha,    &out->previous, &out->scenario,
                      &out->python,  &out->params, &out->allocator};
    out->id = sqlite3_column_int64(q, 0);
    for (int i = 0; i < (int)(sizeof texts / sizeof *texts); i++) {
        *texts[i] = tide_sql_text(q, 1 + i);
        if (!*texts[i]) return tide_fail(e, TIDE_NOMEM, "read a suspect change");
    }
    return TIDE_OK;
}

enum tide_rc tide_store_suspect(struct tide_store *s, int64_t points, int64_t most,
                                struct tide_suspect *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_suspect){0};
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT g.id, p.name, c.sha, b.sha, n.name, y.name, t.params, t.allocator"
        " FROM changes g JOIN series t ON t.id = g.series JOIN scenarios n ON n.id = t.scenario"
        " JOIN projects p ON p.id = n.project JOIN pythons y ON y.id = t.python"
        " JOIN commits c ON c.id = g.commit_id JOIN commits b ON b.id = g.previous"
        " JOIN line l ON l.commit_id = g.commit_id"
        " WHERE g.status = 'suspect' AND g.batch IS NULL AND p.enabled AND n.present"
        " AND (SELECT count(*) FROM summaries u JOIN line k ON k.commit_id = u.commit_id"
        "  WHERE u.series = g.series AND u.metric = g.metric AND k.position < l.position) >= ?1"
        " AND NOT EXISTS (SELECT 1 FROM cells o JOIN runs r ON r.cell = o.id"
        "  WHERE o.series = g.series AND r.status IN ('queued', 'building', 'running'))"
        " AND (SELECT count(*) FROM changes h JOIN series i ON i.id = h.series"
        "  JOIN scenarios j ON j.id = i.scenario JOIN batches a ON a.id = h.batch"
        "  WHERE j.project = p.id AND a.queued_ns > ?2) < ?3 ORDER BY g.id LIMIT 1",
        "iii", points, tide_clock_unix_ns() - DAY_NS, most);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) rc = take_suspect(q, out, e);
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no change is to be measured once more");
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_drop_second_look(struct tide_store *s, int64_t change, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE changes SET batch = 0 WHERE id = ?", "i", change);
    return tide_store_commit(s, rc, e);
}

/* Values of the change's metric in its batch, at its commit or (before) at the one before. */
static enum tide_rc read_side(sqlite3 *db, int64_t change, bool before, double **out, size_t *n,
                              struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT CASE g.metric WHEN 2 THEN r.tide_mark WHEN 4 THEN r.end - r.base END"
        " FROM changes g JOIN cells l ON l.series = g.series"
        " AND l.commit_id = iif(?2, g.previous, g.commit_id)"
        " JOIN runs r ON r.cell = l.id AND r.batch = g.batch AND r.status = 'done'"
        " WHERE g.id = ?1",
        "ii", change, (int64_t)before);
    while (!rc && !(rc = tide_sql_step(q, e))) {
        double *more = realloc(*out, (*n + 1) * sizeof *more);
        if (!more) {
            rc = tide_fail(e, TIDE_NOMEM, "read a second look");
            break;
        }
        *out = more;
        more[(*n)++] = sqlite3_column_double(q, 0);
    }
    sqlite3_finalize(q);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_second_look(struct tide_store *s, struct tide_second_look *out,
                                    struct tide_error *e)
{
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_second_look){0};
    enum tide_rc rc = tide_sql_integer(
        db, &out->change, e,
        "SELECT g.id FROM changes g JOIN batches a ON a.id = g.batch"
        " WHERE g.second IS NULL AND g.status = 'suspect' AND a.finished_ns IS NOT NULL"
        " ORDER BY g.id LIMIT 1",
        "");
    if (!rc) rc = read_side(db, out->change, true, &out->before, &out->n_before, e);
    if (!rc) rc = read_side(db, out->change, false, &out->after, &out->n_after, e);
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no second look has ended");
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_end_second_look(struct tide_store *s, int64_t change, bool confirmed,
                                        struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e,
                     "UPDATE changes SET second = ?2, status = iif(status = 'suspect', ?2, status)"
                     " WHERE id = ?1",
                     "it", change, confirmed ? "confirmed" : "dropped");
    return tide_store_commit(s, rc, e);
}

/* ---- accepted changes, and lists ---- */

enum tide_rc tide_store_accept_change(struct tide_store *s, int64_t change, const char *reason,
                                      const char *by, struct tide_error *e)
{
    int64_t id = 0;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(s->writer, &id, e,
                          "UPDATE changes SET reason = ?2, accepted_by = iif(?2 IS NULL, NULL, ?3),"
                          " accepted_ns = iif(?2 IS NULL, NULL, ?4) WHERE id = ?1 RETURNING id",
                          "itti", change, reason, by, tide_clock_unix_ns());
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no regression %lld", (long long)change);
    return tide_store_commit(s, rc, e);
}

#define COMMIT(c)                                             \
    "json_object('sha', " c ".sha, 'subject', " c ".subject," \
    " 'committed_ns', " c ".committed_ns)"
#define CHANGE_ROW                                                                                 \
    "json_object('id', g.id, 'project', p.name, 'scenario', n.name, 'version', n.version,"         \
    " 'params', json(t.params), 'python', json_object('id', y.id, 'name', y.name, 'version',"      \
    " y.version), 'allocator', t.allocator, 'series', g.series, 'metric', m.name,"                 \
    " 'unit', m.unit, 'commit', " COMMIT("c") ", 'previous', " COMMIT(                             \
        "b") ","                                                                                   \
             " 'last', " COMMIT(                                                                   \
                 "z") ", 'kind', g.kind, 'status', g.status,"                                      \
                      " 'verdict', iif(g.effect > 0, 'worse', 'better'), 'effect', g.effect, "     \
                      "'low', g.low,"                                                              \
                      " 'high', g.high, 'percent', iif(g.before = 0, NULL, 100.0 * g.effect / "    \
                      "abs(g.before)),"                                                            \
                      " 'before', g.before, 'after', g.after,"                                     \
                      " 'accepted', json(iif(g.reason IS NULL, NULL, json_object('reason', "       \
                      "g.reason,"                                                                  \
                      "   'by', g.accepted_by, 'at_ns', g.accepted_ns))), 'found_ns', g.found_ns," \
                      " 'remeasured', json(iif(g.batch > 0, json_object('batch', g.batch, "        \
                      "'outcome', g.second),"                                                      \
                      "   NULL)),"                                                                 \
                      " 'base_cell', (SELECT id FROM cells WHERE series = g.series AND commit_id " \
                      "= g.previous),"                                                             \
                      " 'head_cell', (SELECT id FROM cells WHERE series = g.series AND commit_id " \
                      "= g.commit_id))"
#define CHANGE_FROM                                                                      \
    " FROM changes g JOIN series t ON t.id = g.series JOIN metrics m ON m.id = g.metric" \
    " JOIN scenarios n ON n.id = t.scenario JOIN projects p ON p.id = n.project"         \
    " JOIN pythons y ON y.id = t.python JOIN commits c ON c.id = g.commit_id"            \
    " JOIN commits b ON b.id = g.previous JOIN commits z ON z.id = g.last"

static const struct tide_list changes_list = {
    .name = "regressions",
    .row = CHANGE_ROW,
    .from = CHANGE_FROM
    " WHERE (?1 IS NULL OR p.name = ?1) AND (?2 IS NULL OR n.name = ?2)"
    " AND (?3 IS NULL OR y.name = ?3) AND iif(?4 IS NULL, g.status <> 'dropped', g.status = ?4)"
    " AND (?5 IS NULL OR (g.effect > 0) = (?5 = 'worse'))"
    " AND (?6 IS NULL OR (g.reason IS NOT NULL) = ?6) AND (?7 IS NULL OR m.name = ?7)",
    .id = "g.id",
    .sorts = (const struct tide_sort[]){{"status", "g.status"},
                                        {"scenario", "n.name"},
                                        {"effect", "g.effect"},
                                        {"committed_ns", "c.committed_ns"},
                                        {"found_ns", "g.found_ns"},
                                        {NULL, NULL}},
    .sort = "-id",
};

enum tide_rc tide_store_changes_json(struct tide_store *s, const struct tide_change_filter *f,
                                     struct tide_str *out, struct tide_error *e)
{
    return tide_store_list(s, &changes_list, &f->page, out, e, "tttttnt", f->project, f->scenario,
                           f->python, f->status, f->verdict, (int64_t)f->accepted, f->metric);
}

enum tide_rc tide_store_change_json(struct tide_store *s, int64_t change, struct tide_str *out,
                                    struct tide_error *e)
{
    return tide_store_put_one(s, "regression", change, out, e,
                              "SELECT " CHANGE_ROW CHANGE_FROM " WHERE g.id = ?", "i", change);
}
