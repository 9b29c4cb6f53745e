/* summaries.c - the metrics of a cell: what its runs have in common, written whenever one ends.
 *
 * A summary is made of the runs that are done; one that failed measured something else. The
 * interval of the median is made of order statistics, which needs no distribution: with k values
 * below it and k above it left out it misses the median with the probability of at most k heads, or
 * tails, in n tosses of a coin (David and Nagaraja, Order Statistics, 3rd ed., section 7.1). Below
 * 6 values no interval holds it with 95 %. */
#include "store/internal.h"
#include "store/lists.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISS 0.05

const char *const tide_metric_sql[TIDE_METRICS] = {
    [TIDE_METRIC_BASE] = "r.base",
    [TIDE_METRIC_ORIGINAL] = "r.original",
    [TIDE_METRIC_TIDE_MARK] = "r.tide_mark",
    [TIDE_METRIC_OVER_ORIGINAL] = "(r.tide_mark - r.original)",
    [TIDE_METRIC_RETAINED] = "(r.end - r.base)",
    [TIDE_METRIC_LEAK] = "r.leak",
    [TIDE_METRIC_WALL] = "r.wall_ns",
    [TIDE_METRIC_CPU] = "r.cpu_ns",
    [TIDE_METRIC_PAGE_FAULTS] = "r.page_faults",
    [TIDE_METRIC_EVENTS] = "r.events",
    [TIDE_METRIC_OVER_FLOOR] = "iif(r.floor > 0, (r.tide_mark - r.base) * 1.0 / r.floor, NULL)",
};

static const char write_query[] =
    "INSERT INTO summaries (series, metric, commit_id, cell, n, minimum, maximum, median, low, "
    "high)"
    " SELECT series, ?2, commit_id, id, ?3, ?4, ?5, ?6, ?7, ?8 FROM cells WHERE id = ?1"
    " ON CONFLICT DO UPDATE SET n = ?3, minimum = ?4, maximum = ?5, median = ?6, low = ?7,"
    " high = ?8";

struct summariser { /* its statements are used for many cells */
    sqlite3 *db;
    sqlite3_stmt *read, *write;
    double *values[TIDE_METRICS]; /* of one cell */
    size_t n[TIDE_METRICS], room;
};

static enum tide_rc open_summariser(struct summariser *s, sqlite3 *db, struct tide_error *e)
{
    struct tide_str sql = {0};
    *s = (struct summariser){.db = db};
    for (int m = 0; m < TIDE_METRICS; m++)
        tide_str_printf(&sql, "%s %s", m ? "," : "SELECT", tide_metric_sql[m]);
    tide_str_put(&sql, " FROM runs r WHERE r.cell = ? AND r.status = 'done'");
    enum tide_rc rc = sql.failed ? tide_fail(e, TIDE_NOMEM, "summarise a cell")
                                 : tide_sql_prepare(db, &s->read, e, sql.at, "");
    tide_str_free(&sql);
    return rc ? rc : tide_sql_prepare(db, &s->write, e, write_query, "");
}

static void close_summariser(struct summariser *s)
{
    sqlite3_finalize(s->read);
    sqlite3_finalize(s->write);
    for (int m = 0; m < TIDE_METRICS; m++)
        free(s->values[m]);
}

static enum tide_rc make_room(struct summariser *s, struct tide_error *e)
{
    size_t room = s->room ? s->room * 2 : 64;
    for (int m = 0; m < TIDE_METRICS; m++) {
        double *more = realloc(s->values[m], room * sizeof *more);
        if (!more) return tide_fail(e, TIDE_NOMEM, "summarise a cell");
        s->values[m] = more;
    }
    s->room = room;
    return TIDE_OK;
}

static enum tide_rc read_values(struct summariser *s, int64_t cell, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    size_t runs = 0;
    memset(s->n, 0, sizeof s->n);
    sqlite3_bind_int64(s->read, 1, cell);
    while (!rc && !(rc = tide_sql_step(s->read, e))) {
        if (runs++ == s->room) rc = make_room(s, e);
        for (int m = 0; m < TIDE_METRICS && !rc; m++)
            if (sqlite3_column_type(s->read, m) != SQLITE_NULL)
                s->values[m][s->n[m]++] = sqlite3_column_double(s->read, m);
    }
    sqlite3_reset(s->read);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

static int compare_numbers(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* How many values on either side lie outside the interval of the median: 0 when even all n do not
 * make one. From the normal where 2^-n has no double. */
static size_t count_outside(size_t n)
{
    if (n > 1000) return (size_t)((double)n / 2 - 0.98 * sqrt((double)n));
    double ways = ldexp(1, -(int)n), below = ways; /* of at most k heads */
    size_t k = 0;
    while (2 * below <= MISS) {
        ways *= (double)(n - k) / (double)(k + 1);
        below += ways;
        k++;
    }
    return k;
}

struct tide_summary tide_store_summary(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_numbers);
    size_t outside = count_outside(n);
    return (struct tide_summary){
        .n = (int64_t)n,
        .minimum = values[0],
        .maximum = values[n - 1],
        .median = (values[(n - 1) / 2] + values[n / 2]) / 2,
        .low = outside ? values[outside - 1] : NAN,
        .high = outside ? values[n - outside] : NAN,
    };
}

static enum tide_rc write_summary(struct summariser *s, int64_t cell, int metric,
                                  const struct tide_summary *u, struct tide_error *e)
{
    const double numbers[] = {u->minimum, u->maximum, u->median, u->low, u->high};
    sqlite3_bind_int64(s->write, 1, cell);
    sqlite3_bind_int(s->write, 2, metric);
    sqlite3_bind_int64(s->write, 3, u->n);
    for (int i = 0; i < 5; i++)
        tide_sql_bind_real(s->write, 4 + i, numbers[i]);
    enum tide_rc rc = tide_sql_step(s->write, e);
    sqlite3_reset(s->write);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

static enum tide_rc summarise(struct summariser *s, int64_t cell, struct tide_error *e)
{
    enum tide_rc rc = read_values(s, cell, e);
    for (int m = 0; m < TIDE_METRICS && !rc; m++) {
        if (!s->n[m]) continue;
        const struct tide_summary summary = tide_store_summary(s->values[m], s->n[m]);
        rc = write_summary(s, cell, m, &summary, e);
    }
    return rc;
}

enum tide_rc tide_store_summarise(sqlite3 *db, int64_t run, struct tide_error *e)
{
    struct summariser s;
    int64_t cell = 0;
    enum tide_rc rc = open_summariser(&s, db, e);
    if (!rc) rc = tide_sql_integer(db, &cell, e, "SELECT cell FROM runs WHERE id = ?", "i", run);
    if (!rc) rc = summarise(&s, cell, e);
    close_summariser(&s);
    return rc == TIDE_ABSENT ? TIDE_OK : rc; /* no such run: nothing to summarise */
}

enum tide_rc tide_store_fill_summaries(sqlite3 *db, struct tide_error *e)
{
    struct summariser s;
    sqlite3_stmt *cells = NULL;
    enum tide_rc rc = open_summariser(&s, db, e);
    if (!rc) rc = tide_sql_prepare(db, &cells, e, "SELECT id FROM cells ORDER BY id", "");
    while (!rc && !(rc = tide_sql_step(cells, e)))
        rc = summarise(&s, sqlite3_column_int64(cells, 0), e);
    sqlite3_finalize(cells);
    close_summariser(&s);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

/* ---- reading ---- */

enum tide_rc tide_store_metric(struct tide_store *s, const char *name, struct tide_metric_row *out,
                               struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e, "SELECT id, name, unit, title FROM metrics WHERE name = ?", "t", name);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        out->id = (enum tide_metric)sqlite3_column_int(q, 0);
        snprintf(out->name, sizeof out->name, "%s", (const char *)sqlite3_column_text(q, 1));
        snprintf(out->unit, sizeof out->unit, "%s", (const char *)sqlite3_column_text(q, 2));
        snprintf(out->title, sizeof out->title, "%s", (const char *)sqlite3_column_text(q, 3));
    } else if (rc == TIDE_ABSENT)
        tide_fail(e, rc, "no metric \"%.40s\": GET /api/v1/metrics lists them", name);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

static const struct tide_list metrics_list = {
    .name = "metrics",
    .row = "json_object('name', name, 'title', title, 'unit', unit)",
    .from = "FROM metrics WHERE true",
    .id = "id",
    .sorts = (const struct tide_sort[]){{"name", "name"}, {NULL, NULL}},
    .sort = "id",
};

enum tide_rc tide_store_metrics_json(struct tide_store *s, const struct tide_page *page,
                                     struct tide_str *out, struct tide_error *e)
{
    return tide_store_list(s, &metrics_list, page, out, e, "");
}

static enum tide_rc take_points(sqlite3_stmt *q, struct tide_series_point **out, size_t *n,
                                struct tide_error *e)
{
    size_t room = 0;
    enum tide_rc rc;
    while (!(rc = tide_sql_step(q, e))) {
        if (*n == room) {
            room = room ? room * 2 : 1024;
            struct tide_series_point *more = realloc(*out, room * sizeof *more);
            if (!more) return tide_fail(e, TIDE_NOMEM, "read a series");
            *out = more;
        }
        (*out)[(*n)++] = (struct tide_series_point){
            .position = sqlite3_column_int64(q, 0),
            .commit = sqlite3_column_int64(q, 1),
            .cell = sqlite3_column_int64(q, 2),
            .summary = {sqlite3_column_int64(q, 3), tide_sql_real(q, 4), tide_sql_real(q, 5),
                        tide_sql_real(q, 6), tide_sql_real(q, 7), tide_sql_real(q, 8)},
        };
    }
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_sql_points(sqlite3_stmt *q, enum tide_rc rc, struct tide_series_point **out,
                             size_t *n, struct tide_error *e)
{
    *out = NULL;
    *n = 0;
    if (!rc) rc = take_points(q, out, n, e);
    sqlite3_finalize(q);
    if (!rc) return TIDE_OK;
    free(*out);
    *out = NULL;
    *n = 0;
    return rc;
}

enum tide_rc tide_store_series_points(struct tide_store *s, int64_t series, enum tide_metric metric,
                                      struct tide_series_point **out, size_t *n,
                                      struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT -1, commit_id, cell, n, minimum, maximum, median, low, high FROM summaries"
        " WHERE series = ? AND metric = ? ORDER BY commit_id",
        "ii", series, (int64_t)metric);
    rc = tide_sql_points(q, rc, out, n, e);
    tide_store_give(s, db);
    return rc;
}
