/* chunks.c - what a run measured: names, phases, event chunks and the levels of its curve. */
#include "store/internal.h"

#include <stdio.h>
#include <stdlib.h>

static enum tide_rc append_names(sqlite3 *db, int64_t run, const struct tide_measured *m,
                                 struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < m->n_names && !rc; i++) {
        const struct tide_name_row *r = &m->names[i];
        rc = tide_sql_do(db, e,
                         "INSERT INTO names (run, id, kind, text, file, line)"
                         " VALUES (?, ?, ?, ?, ?, ?)",
                         "iiitti", run, (int64_t)r->id, (int64_t)r->kind, r->text, r->file,
                         (int64_t)r->line);
    }
    return rc;
}

static enum tide_rc append_phases(sqlite3 *db, int64_t run, const struct tide_measured *m,
                                  struct tide_error *e)
{
    enum tide_rc rc = TIDE_OK;
    for (size_t i = 0; i < m->n_phases && !rc; i++) {
        const struct tide_phase_row *r = &m->phases[i];
        rc = tide_sql_do(db, e,
                         "INSERT INTO phases (run, seq, name, t_ns, value, rss, peak)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?)",
                         "iitiiii", run, r->seq, r->name, r->t_ns, r->value, r->rss, r->peak);
    }
    return rc;
}

static enum tide_rc append_chunk(sqlite3 *db, int64_t run, const struct tide_chunk_row *r,
                                 struct tide_error *e)
{
    if (r->level == 0) {
        enum tide_rc rc = tide_sql_do(
            db, e,
            "INSERT INTO event_chunks (run, seq, from_ns, to_ns, events, rss, stack, payload)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            "iiiiiitb", run, r->seq, r->from_ns, r->to_ns, r->count, r->rss, r->stack, r->data,
            r->size);
        return rc ? rc
                  : tide_sql_do(db, e,
                                "INSERT INTO event_places (run, seq, first) VALUES (?, ?, ?)",
                                "iii", run, r->seq, r->first);
    }
    return tide_sql_do(db, e,
                       "INSERT INTO curve_chunks (run, level, seq, from_ns, to_ns, points, data)"
                       " VALUES (?, ?, ?, ?, ?, ?, ?)",
                       "iiiiiib", run, (int64_t)r->level, r->seq, r->from_ns, r->to_ns, r->count,
                       r->data, r->size);
}

enum tide_rc tide_store_append(struct tide_store *s, int64_t run, const struct tide_measured *m,
                               struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e,
                     "UPDATE runs SET origin_ns = ?1 WHERE id = ?2 AND origin_ns IS NOT ?1", "ii",
                     m->origin_ns, run);
    if (!rc) rc = append_names(s->writer, run, m, e);
    if (!rc) rc = append_phases(s->writer, run, m, e);
    if (!rc) rc = tide_store_append_totals(s, run, m, e);
    for (size_t i = 0; i < m->n_chunks && !rc; i++)
        rc = append_chunk(s->writer, run, &m->chunks[i], e);
    return tide_store_commit(s, rc, e);
}

static enum tide_rc walk(sqlite3_stmt *q, int level, tide_chunk_fn *each, void *context,
                         struct tide_error *e)
{
    enum tide_rc rc;
    while ((rc = tide_sql_step(q, e)) == TIDE_OK) {
        struct tide_chunk_row row = {
            .level = level,
            .seq = sqlite3_column_int64(q, 0),
            .from_ns = sqlite3_column_int64(q, 1),
            .to_ns = sqlite3_column_int64(q, 2),
            .count = sqlite3_column_int64(q, 3),
            .data = (void *)sqlite3_column_blob(q, 4),
            .size = (size_t)sqlite3_column_bytes(q, 4),
        };
        if (level == 0) {
            row.stack = (char *)sqlite3_column_text(q, 5);
            row.rss = sqlite3_column_int64(q, 6);
            row.first = sqlite3_column_int64(q, 7);
        }
        rc = each(context, &row, e);
        if (rc) return rc;
    }
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_chunks(struct tide_store *s, int64_t run, int level, int64_t from_ns,
                               int64_t to_ns, int64_t seq, tide_chunk_fn *each, void *context,
                               struct tide_error *e)
{
    static const char events[] =
        "SELECT c.seq, from_ns, to_ns, events, payload, stack, rss, coalesce(p.first, -1)"
        "  FROM event_chunks c LEFT JOIN event_places p ON p.run = c.run AND p.seq = c.seq"
        " WHERE c.run = ?1 AND to_ns >= ?2 AND from_ns <= ?3 AND c.seq >= ?4 ORDER BY c.seq";
    static const char curve[] =
        "SELECT seq, from_ns, to_ns, points, data FROM curve_chunks"
        " WHERE run = ?1 AND level = ?5 AND to_ns >= ?2 AND from_ns <= ?3 AND seq >= ?4"
        " ORDER BY seq";
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(db, &q, e, level ? curve : events, level ? "iiiii" : "iiii",
                                       run, from_ns, to_ns, seq, (int64_t)level);
    if (!rc) rc = walk(q, level, each, context, e);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_event_place(struct tide_store *s, int64_t run, int64_t record, int64_t *seq,
                                    int64_t *first, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *seq = *first = 0;
    enum tide_rc rc = tide_sql_prepare(db, &q, e,
                                       "SELECT seq, first FROM event_places"
                                       " WHERE run = ? AND first <= ? ORDER BY seq DESC LIMIT 1",
                                       "ii", run, record);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        *seq = sqlite3_column_int64(q, 0);
        *first = sqlite3_column_int64(q, 1);
    }
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

static enum tide_rc read_names(sqlite3_stmt *q, struct tide_name_row *names, size_t *n,
                               struct tide_error *e)
{
    enum tide_rc rc;
    while ((rc = tide_sql_step(q, e)) == TIDE_OK) {
        struct tide_name_row *r = &names[(*n)++];
        r->id = (uint32_t)sqlite3_column_int64(q, 0);
        r->kind = sqlite3_column_int(q, 1);
        r->text = tide_sql_text(q, 2);
        r->file = tide_sql_text(q, 3);
        r->line = (uint32_t)sqlite3_column_int64(q, 4);
        if (!r->text || !r->file) return tide_fail(e, TIDE_NOMEM, "read the names of a run");
    }
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_names(struct tide_store *s, int64_t run, struct tide_name_row **out,
                              size_t *n, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    int64_t count = 0;
    *out = NULL;
    *n = 0;
    sqlite3 *db = tide_store_lend(s);
    /* One transaction, so that the count still holds while the rows are read. */
    enum tide_rc rc = tide_sql_do(db, e, "BEGIN", "");
    if (!rc)
        rc = tide_sql_integer(db, &count, e, "SELECT count(*) FROM names WHERE run = ?", "i", run);
    if (!rc) *out = calloc((size_t)count + 1, sizeof **out);
    if (!rc && !*out) rc = tide_fail(e, TIDE_NOMEM, "read the names of a run");
    if (!rc)
        rc = tide_sql_prepare(
            db, &q, e, "SELECT id, kind, text, file, line FROM names WHERE run = ? ORDER BY id",
            "i", run);
    if (!rc) rc = read_names(q, *out, n, e);
    sqlite3_finalize(q);
    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    tide_store_give(s, db);
    if (rc) {
        tide_names_free(*out, *n);
        *out = NULL;
        *n = 0;
    }
    return rc;
}

void tide_names_free(struct tide_name_row *names, size_t n)
{
    for (size_t i = 0; names && i < n; i++) {
        free(names[i].text);
        free(names[i].file);
    }
    free(names);
}

enum tide_rc tide_store_run_facts(struct tide_store *s, int64_t run, struct tide_run_facts *out,
                                  struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *out = (struct tide_run_facts){0};
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e,
        "SELECT status, origin_ns, (SELECT max(to_ns) FROM event_chunks WHERE run = r.id)"
        " FROM runs r WHERE id = ?",
        "i", run);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        snprintf(out->status, sizeof out->status, "%s", (const char *)sqlite3_column_text(q, 0));
        out->origin_ns = sqlite3_column_int64(q, 1);
        out->end_ns = sqlite3_column_int64(q, 2);
    } else if (rc == TIDE_ABSENT)
        tide_fail(e, rc, "no run %lld", (long long)run);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}

enum tide_rc tide_store_pick_level(struct tide_store *s, int64_t run, int64_t from_ns,
                                   int64_t to_ns, int64_t points, int *level, struct tide_error *e)
{
    int64_t found = 0;
    sqlite3 *db = tide_store_lend(s);
    /* Of a chunk that reaches over the window only its share is counted,
     * as if points lay evenly. */
    enum tide_rc rc = tide_sql_integer(
        db, &found, e,
        "SELECT level FROM curve_chunks WHERE run = ?1 AND to_ns >= ?2 AND from_ns <= ?3"
        " GROUP BY level HAVING sum(1.0 * points * (min(to_ns, ?3) - max(from_ns, ?2) + 1)"
        " / (to_ns - from_ns + 1)) >= ?4 ORDER BY level DESC LIMIT 1",
        "iiii", run, from_ns, to_ns, points);
    tide_store_give(s, db);
    *level = (int)found;
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

enum tide_rc tide_store_level_span(struct tide_store *s, int64_t run, int level, int64_t *from_ns,
                                   int64_t *to_ns, struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    *from_ns = *to_ns = 0;
    enum tide_rc rc = tide_sql_prepare(
        db, &q, e, "SELECT min(from_ns), max(to_ns) FROM curve_chunks WHERE run = ? AND level = ?",
        "ii", run, (int64_t)level);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) {
        *from_ns = sqlite3_column_int64(q, 0);
        *to_ns = sqlite3_column_int64(q, 1);
    }
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}
