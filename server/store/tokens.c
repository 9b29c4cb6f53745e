/* tokens.c - see tokens.h. */
#include "store/tokens.h"

#include "base/clock.h"
#include "store/internal.h"
#include "store/lists.h"

#define ROW                                                                                 \
    "json_object('id', id, 'name', name, 'scopes', json(scopes), 'created_ns', created_ns," \
    " 'expires_ns', expires_ns, 'used_ns', used_ns, 'own', json(iif(own, 'true', 'false')))"

enum tide_rc tide_store_put_token(struct tide_store *s, struct tide_token_row *t,
                                  struct tide_error *e)
{
    int64_t other = 0;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(s->writer, &other, e, "SELECT id FROM tokens WHERE name = ?", "t",
                          t->name);
    if (!rc)
        rc = tide_fail_field(e, "name", "there is a token \"%.80s\" already", t->name);
    else if (rc == TIDE_ABSENT)
        rc = tide_sql_integer(s->writer, &t->id, e,
                              "INSERT INTO tokens (name, hash, scopes, created_ns, expires_ns, own)"
                              " VALUES (?, ?, ?, ?, ?, 0) RETURNING id",
                              "tttin", t->name, t->hash, t->scopes, tide_clock_unix_ns(),
                              t->expires_ns);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_own_token(struct tide_store *s, const char *hash, struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "DELETE FROM tokens WHERE own AND hash <> ?", "t", hash);
    if (!rc)
        rc = tide_sql_do(s->writer, e,
                         "INSERT INTO tokens (name, hash, scopes, created_ns, own)"
                         " VALUES ('DATA/token', ?, '[\"admin\"]', ?, 1) ON CONFLICT DO NOTHING",
                         "ti", hash, tide_clock_unix_ns());
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_remove_token(struct tide_store *s, int64_t id, struct tide_error *e)
{
    int64_t own = 0;
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_integer(s->writer, &own, e, "SELECT own FROM tokens WHERE id = ?", "i", id);
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no token %lld", (long long)id);
    if (!rc && own)
        rc =
            tide_fail(e, TIDE_BUSY,
                      "it is the token of DATA/token: remove that file and start the daemon again, "
                      "which draws a new one");
    if (!rc) rc = tide_sql_do(s->writer, e, "DELETE FROM tokens WHERE id = ?", "i", id);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_token_used(struct tide_store *s, int64_t id, int64_t used_ns,
                                   struct tide_error *e)
{
    enum tide_rc rc = tide_store_begin(s, e);
    if (rc) return rc;
    rc = tide_sql_do(s->writer, e, "UPDATE tokens SET used_ns = ?2 WHERE id = ?1", "ii", id,
                     used_ns);
    return tide_store_commit(s, rc, e);
}

enum tide_rc tide_store_tokens(struct tide_store *s, tide_token_fn *each, void *context,
                               struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc = tide_sql_prepare(db, &q, e,
                                       "SELECT id, name, hash, scopes, coalesce(expires_ns, -1),"
                                       " coalesce(used_ns, -1) FROM tokens",
                                       "");
    while (!rc && !(rc = tide_sql_step(q, e))) {
        const struct tide_token_row row = {
            .id = sqlite3_column_int64(q, 0),
            .name = (const char *)sqlite3_column_text(q, 1),
            .hash = (const char *)sqlite3_column_text(q, 2),
            .scopes = (const char *)sqlite3_column_text(q, 3),
            .expires_ns = sqlite3_column_int64(q, 4),
            .used_ns = sqlite3_column_int64(q, 5),
        };
        rc = each(context, &row, e);
    }
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc == TIDE_ABSENT ? TIDE_OK : rc;
}

static const struct tide_list tokens_list = {
    .name = "tokens",
    .row = ROW,
    .from = "FROM tokens WHERE true",
    .id = "id",
    .sorts = (const struct tide_sort[]){{"name", "name"},
                                        {"created_ns", "created_ns"},
                                        {"used_ns", "coalesce(used_ns, 0)"},
                                        {NULL, NULL}},
    .sort = "id",
};

enum tide_rc tide_store_tokens_json(struct tide_store *s, const struct tide_page *page,
                                    struct tide_str *out, struct tide_error *e)
{
    return tide_store_list(s, &tokens_list, page, out, e, "");
}

enum tide_rc tide_store_token_json(struct tide_store *s, int64_t id, struct tide_str *out,
                                   struct tide_error *e)
{
    sqlite3_stmt *q = NULL;
    sqlite3 *db = tide_store_lend(s);
    enum tide_rc rc =
        tide_sql_prepare(db, &q, e, "SELECT " ROW " FROM tokens WHERE id = ?", "i", id);
    if (!rc) rc = tide_sql_step(q, e);
    if (!rc) tide_str_put(out, (const char *)sqlite3_column_text(q, 0));
    if (rc == TIDE_ABSENT) tide_fail(e, rc, "no token %lld", (long long)id);
    sqlite3_finalize(q);
    tide_store_give(s, db);
    return rc;
}
