/* answers.c - see answers.h. */
#include "store/answers.h"

#include "base/clock.h"
#include "store/internal.h"

#include <stdlib.h>
#include <string.h>

#define KEPT_NS (24 * INT64_C(3600000000000))

/* The key that the request of this thread has claimed; NULL: none. */
static _Thread_local const char *claimed;

void tide_kept_clear(struct tide_kept_answer *a)
{
    free(a->type);
    free(a->location);
    free(a->body);
    *a = (struct tide_kept_answer){0};
}

enum tide_rc tide_store_mark_answer(struct tide_store *s, struct tide_error *e)
{
    return claimed ? tide_sql_do(s->writer, e, "UPDATE answers SET taken = 1 WHERE key = ?", "t",
                                 claimed)
                   : TIDE_OK;
}

enum tide_rc tide_store_mark_queued(struct tide_store *s, int64_t batch, struct tide_error *e)
{
    return claimed ? tide_sql_do(s->writer, e, "UPDATE answers SET batch = ?2 WHERE key = ?1", "ti",
                                 claimed, batch)
                   : TIDE_OK;
}

enum tide_rc tide_store_forget_claims(struct tide_store *s, struct tide_error *e)
{
    return tide_sql_do(s->writer, e,
                       "DELETE FROM answers WHERE status IS NULL"
                       " AND (NOT taken OR (runs AND batch IS NULL))",
                       "");
}

static enum tide_rc read_kept(sqlite3_stmt *q, const char *request, enum tide_claim *claim,
                              struct tide_kept_answer *out, struct tide_error *e)
{
    if (strcmp((const char *)sqlite3_column_text(q, 0), request) != 0) {
        *claim = TIDE_CLAIM_OTHER;
        return TIDE_OK;
    }
    out->batch = sqlite3_column_int64(q, 5);
    if (sqlite3_column_type(q, 1) == SQLITE_NULL) {
        *claim = out->batch ? TIDE_CLAIM_QUEUED : TIDE_CLAIM_WORKING;
        return TIDE_OK;
    }
    *claim = TIDE_CLAIM_DONE;
    out->status = sqlite3_column_int(q, 1);
    out->type = tide_sql_text(q, 2);
    out->location = tide_sql_text(q, 3);
    out->size = (size_t)sqlite3_column_bytes(q, 4);
    out->body = malloc(out->size + 1);
    if (!out->type || !out->location || !out->body)
        return tide_fail(e, TIDE_NOMEM, "read an answer");
    if (out->size) memcpy(out->body, sqlite3_column_blob(q, 4), out->size);
    out->body[out->size] = '\0';
    return TIDE_OK;
}

static enum tide_rc find_or_claim(struct tide_store *s, const char *key, const char *request,
                                  bool runs, enum tide_claim *claim, struct tide_kept_answer *out,
                                  struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    int64_t now = tide_clock_unix_ns();
    enum tide_rc rc =
        tide_sql_do(s->writer, e, "DELETE FROM answers WHERE asked_ns < ?", "i", now - KEPT_NS);
    if (!rc)
        rc = tide_sql_prepare(s->writer, &q, e,
                              "SELECT request, status, type, location, body, coalesce(batch, 0)"
                              " FROM answers WHERE key = ?",
                              "t", key);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) rc = read_kept(q, request, claim, out, e);
    sqlite3_finalize(q);
    if (rc != TIDE_ABSENT) return rc;
    *claim = TIDE_CLAIM_NEW;
    return tide_sql_do(s->writer, e,
                       "INSERT INTO answers (key, request, runs, asked_ns) VALUES (?, ?, ?, ?)",
                       "ttii", key, request, (int64_t)runs, now);
}

enum tide_rc tide_store_claim_answer(struct tide_store *s, const char *key, const char *request,
                                     bool runs, enum tide_claim *claim,
                                     struct tide_kept_answer *out, struct tide_error *e)
{
    *out = (struct tide_kept_answer){0};
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = find_or_claim(s, key, request, runs, claim, out, e);
    rc = tide_store_commit(s, rc, e);
    if (rc)
        tide_kept_clear(out);
    else if (*claim == TIDE_CLAIM_NEW)
        claimed = key;
    return rc;
}

enum tide_rc tide_store_keep_answer(struct tide_store *s, const char *key,
                                    const struct tide_kept_answer *a, struct tide_error *e)
{
    claimed = NULL;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e,
                     "UPDATE answers SET status = ?2, type = ?3, location = ?4, body = ?5"
                     " WHERE key = ?1",
                     "tittb", key, (int64_t)a->status, a->type, a->location, a->body ? a->body : "",
                     a->size);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_drop_answer(struct tide_store *s, const char *key, struct tide_error *e)
{
    claimed = NULL;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "DELETE FROM answers WHERE key = ?", "t", key);
    return tide_store_commit(s, rc, e);
}
