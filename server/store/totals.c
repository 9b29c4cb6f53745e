/* totals.c - what a run tells of each function over its whole length, and of its pages at marks. */
#include "store/internal.h"

enum tide_rc tide_store_append_totals(struct tide_store *s, int64_t run,
                                      const struct tide_measured *m, struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < m->n_totals && !rc; i++) {
        const struct tide_total_row *r = &m->totals[i];
        rc =
            tide_sql_do(s->writer, e,
                        "INSERT OR REPLACE INTO totals (run, name, calls, gained, released, peak)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        "iiiiii", run, (int64_t)r->name, r->calls, r->gained, r->released, r->peak);
    }
    for (size_t i = 0; i < m->n_proportions && !rc; i++) {
        const struct tide_proportion_row *r = &m->proportions[i];
        rc = tide_sql_do(s->writer, e,
                         "INSERT OR REPLACE INTO proportions (run, seq, pss, uss, swap)"
                         " VALUES (?, ?, ?, ?, ?)",
                         "iiiii", run, r->seq, r->pss, r->uss, r->swap);
    }
    return rc;
}

/* Grouped by run, so that a run without totals gives one row and an absent run none. */
static const char functions[] =
    "SELECT json_object('run', r.id, 'functions', json(coalesce((SELECT json_group_array("
    "  json_object('id', t.name, 'name', n.text, 'file', n.file, 'line', n.line,"
    "   'kind', iif(n.kind = 2, 'c', 'python'), 'calls', iif(t.calls, t.calls, NULL),"
    "   'gained', t.gained, 'released', t.released, 'peak', iif(t.peak, t.peak, NULL)))"
    "  FROM (SELECT * FROM totals WHERE run = r.id ORDER BY gained DESC, calls DESC, name) t"
    "  LEFT JOIN names n ON n.run = t.run AND n.id = t.name), '[]'))) FROM runs r WHERE r.id = ?";

enum tide_rc tide_store_functions_json(struct tide_store *s, int64_t run, struct tide_str *out,
                                       struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(db, &q, e, functions, "i", run);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no run %lld", (long long)run);
    if (!rc && out->failed) rc = tide_fail(e, TIDE_NOMEM, "answer with functions");
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}
