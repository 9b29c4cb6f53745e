/* gauges.c - see gauges.h. */
#include "store/gauges.h"

#include "store/internal.h"

#include <string.h>

const char *const tide_gauge_states[TIDE_GAUGE_STATES] = {"queued", "building", "running",
                                                          "done",   "failed",   "cancelled"};

static enum tide_rc count_states(sqlite3 *db, struct tide_gauges *out, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    enum tide_rc rc = tide_sql_prepare(db, &q, e, "SELECT status, n FROM run_counts", "");
    while (!rc && !(rc = tide_sql_step(q, e)))
        for (size_t i = 0; i < TIDE_GAUGE_STATES; i++)
            if (!strcmp(tide_gauge_states[i], (const char *)sqlite3_column_text(q, 0)))
                out->runs[i] = sqlite3_column_int64(q, 1);
    sqlite3_finalize(q);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_gauges(struct tide_store *s, struct tide_gauges *out, struct tide_error *e)
{
    const struct {
        const char *sql;
        int64_t *to;
    } counts[] = {
        {"SELECT count(*) FROM batches", &out->batches},
        {"SELECT count(*) FROM cells", &out->cells},
        {"SELECT count(*) FROM builds WHERE status = 'done'", &out->builds_done},
        {"SELECT count(*) FROM builds WHERE status = 'failed'", &out->builds_failed},
        {"SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", &out->bytes},
    };
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_gauges){0};
    enum tide_rc rc = count_states(db, out, e);
    for (size_t i = 0; i < sizeof counts / sizeof *counts && !rc; i++)
        rc = tide_sql_integer(db, counts[i].to, e, counts[i].sql, "");
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_build_times(struct tide_store *s, const double *bounds, size_t n,
                                    int64_t *counts, int64_t *all, double *seconds,
                                    struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    memset(counts, 0, n * sizeof *counts);
    *all = 0;
    *seconds = 0;
    enum tide_rc rc = tide_sql_prepare(db, &q, e,
                                       "SELECT (finished_ns - started_ns) / 1e9 FROM builds"
                                       " WHERE finished_ns IS NOT NULL",
                                       "");
    while (!rc && !(rc = tide_sql_step(q, e))) {
        double took = sqlite3_column_double(q, 0);
        ++*all;
        *seconds += took;
        for (size_t i = 0; i < n; i++)
            counts[i] += took <= bounds[i];
    }
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}
