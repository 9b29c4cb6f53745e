/* tokens.c - see tokens.h; and the handlers of /api/v1/tokens.
 *
 * A token is 256 random bits. What is kept of it is its SHA-256: with that much randomness there is
 * nothing to guess, so that neither salt nor a slow hash would add anything (docs/SECURITY.md).
 * They are looked up by that hash: what an attacker could learn from how long a comparison takes
 * are digits of hashes, which lead back to no token. */
#include "http/tokens.h"

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "http/internal.h"
#include "http/query.h"
#include "store/tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define TOKENS_MAX 1000
#define NAME_BYTES 80
#define HOUR_NS    INT64_C(3600000000000)

struct held {
    int64_t id, expires_ns;
    int64_t used_ns, noted_ns; /* last use to the hour; what stands in the store */
    unsigned scopes;
    char hash[TIDE_DIGEST_TEXT];
};

struct tide_tokens {
    struct tide_store *store;
    pthread_mutex_t lock; /* guards what follows */
    struct held *at;
    size_t n;
};

static const struct {
    const char *name;
    unsigned bit;
} scopes[] = {
    {"read", TIDE_SCOPE_READ},
    {"trigger", TIDE_SCOPE_TRIGGER},
    {"upload", TIDE_SCOPE_UPLOAD},
    {"admin", TIDE_SCOPE_ADMIN},
};
#define SCOPES (sizeof scopes / sizeof *scopes)

const char *tide_scope_name(unsigned scope)
{
    for (size_t i = 0; i < SCOPES; i++)
        if (scopes[i].bit == scope) return scopes[i].name;
    return "";
}

unsigned tide_scope_bit(const char *name)
{
    for (size_t i = 0; i < SCOPES; i++)
        if (!strcmp(scopes[i].name, name)) return scopes[i].bit;
    return 0;
}

/* ---- in memory ---- */

struct loading {
    struct held *at;
    size_t n;
};

static enum tide_rc take_row(void *context, const struct tide_token_row *row, struct tide_error *e)
{
    struct loading *l = context;
    struct held *grown = realloc(l->at, (l->n + 1) * sizeof *grown);
    json_t *list = json_loads(row->scopes, 0, NULL), *scope;
    size_t i;
    if (!grown) {
        json_decref(list);
        return tide_fail(e, TIDE_NOMEM, "read the tokens");
    }
    l->at = grown;
    struct held *held = &grown[l->n++];
    *held = (struct held){.id = row->id, .expires_ns = row->expires_ns};
    held->used_ns = held->noted_ns = row->used_ns;
    snprintf(held->hash, sizeof held->hash, "%s", row->hash);
    json_array_foreach(list, i, scope) held->scopes |= tide_scope_bit(json_string_value(scope));
    if (held->scopes & TIDE_SCOPE_ADMIN) held->scopes = ~0u;
    json_decref(list);
    return TIDE_OK;
}

/* Uses that were not written down yet stay known. */
static void keep_uses(const struct tide_tokens *t, struct loading *l)
{
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < t->n; k++)
            if (t->at[k].id == l->at[i].id) l->at[i].used_ns = t->at[k].used_ns;
}

enum tide_rc tide_tokens_reload(struct tide_tokens *t, struct tide_error *e)
{
    struct loading l = {0};
    enum tide_rc rc = tide_store_tokens(t->store, take_row, &l, e);
    if (rc) {
        free(l.at);
        return rc;
    }
    pthread_mutex_lock(&t->lock);
    keep_uses(t, &l);
    struct held *before = t->at;
    t->at = l.at;
    t->n = l.n;
    pthread_mutex_unlock(&t->lock);
    free(before);
    return TIDE_OK;
}

enum tide_rc tide_tokens_open(struct tide_store *store, const char *own, struct tide_tokens **out,
                              struct tide_error *e)
{
    char hash[TIDE_DIGEST_TEXT];
    struct tide_tokens *t = *out = calloc(1, sizeof *t);
    if (!t) return tide_fail(e, TIDE_NOMEM, "read the tokens");
    t->store = store;
    pthread_mutex_init(&t->lock, NULL);
    tide_digest_sha256(own, strlen(own), hash);
    enum tide_rc rc = tide_store_own_token(store, hash, e);
    if (!rc) rc = tide_tokens_reload(t, e);
    if (!rc) return TIDE_OK;
    tide_tokens_free(t);
    *out = NULL;
    return rc;
}

void tide_tokens_free(struct tide_tokens *t)
{
    if (!t) return;
    pthread_mutex_destroy(&t->lock);
    free(t->at);
    free(t);
}

struct tide_permit tide_tokens_judge(struct tide_tokens *t, const char *text)
{
    char hash[TIDE_DIGEST_TEXT];
    struct tide_permit permit = {.expires_ns = -1};
    int64_t now = tide_clock_unix_ns();
    tide_digest_sha256(text, strlen(text), hash);
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n && !permit.id; i++) {
        struct held *held = &t->at[i];
        if (strcmp(held->hash, hash) != 0) continue;
        permit.id = held->id;
        permit.expires_ns = held->expires_ns;
        permit.expired = held->expires_ns >= 0 && held->expires_ns <= now;
        permit.scopes = permit.expired ? 0 : held->scopes;
        if (!permit.expired) held->used_ns = now - now % HOUR_NS;
    }
    pthread_mutex_unlock(&t->lock);
    return permit;
}

/* One whose use is not written down; false: there is none. */
static bool next_use(struct tide_tokens *t, int64_t *id, int64_t *used_ns)
{
    bool found = false;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < t->n && !found; i++) {
        struct held *held = &t->at[i];
        found = held->used_ns != held->noted_ns;
        *id = held->id;
        *used_ns = held->noted_ns = held->used_ns;
    }
    pthread_mutex_unlock(&t->lock);
    return found;
}

void tide_tokens_note(struct tide_tokens *t)
{
    struct tide_error e;
    int64_t id, used_ns;
    while (next_use(t, &id, &used_ns))
        if (tide_store_token_used(t->store, id, used_ns, &e))
            tide_log(TIDE_LOG_WARN, "http", "note the use of token %lld: %s", (long long)id,
                     e.text);
}

/* ---- REST ---- */

void tide_get_tokens(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {TIDE_PAGE_PARAMETERS, NULL};
    struct tide_page page;
    struct tide_error e;
    (void)id;
    (void)name;
    if (!tide_query_known(r, known) || !tide_query_page(r, 100, &page)) return;
    tide_query_finish(r, tide_store_tokens_json(r->http->config.store, &page, &r->answer, &e), &e);
}

static enum tide_rc check_name(const json_t *value, struct tide_error *e)
{
    size_t n = json_string_length(value);
    if (json_is_string(value) && n && n <= NAME_BYTES && n == strlen(json_string_value(value)))
        return TIDE_OK;
    return tide_fail_field(e, "name", "it must be a text of 1 to %d bytes", NAME_BYTES);
}

static enum tide_rc check_scopes(const json_t *list, struct tide_error *e)
{
    unsigned bits = 0;
    size_t i;
    json_t *scope;
    json_array_foreach(list, i, scope)
    {
        unsigned bit = json_is_string(scope) ? tide_scope_bit(json_string_value(scope)) : 0;
        if (!bit || bits & bit) {
            char field[32];
            snprintf(field, sizeof field, "scopes[%zu]", i);
            return tide_fail_field(e, field,
                                   "allowed are read, trigger, upload and admin, each once");
        }
        bits |= bit;
    }
    return bits ? TIDE_OK
                : tide_fail_field(
                      e, "scopes",
                      "it must be a list of one or more of read, trigger, upload, admin");
}

static enum tide_rc check_expiry(const json_t *value, int64_t *out, struct tide_error *e)
{
    *out = -1;
    if (!value || json_is_null(value)) return TIDE_OK;
    *out = json_is_integer(value) ? json_integer_value(value) : 0;
    if (*out > tide_clock_unix_ns()) return TIDE_OK;
    return tide_fail_field(e, "expires_ns",
                           "it must be nanoseconds since the Unix epoch, later than now, or null");
}

/* What the body asks for; the texts of *row are borrowed from it, its scopes are owned. */
static enum tide_rc read_wish(const json_t *body, struct tide_token_row *row, char **list,
                              struct tide_error *e)
{
    const char *key;
    json_t *value;
    if (!json_is_object(body)) return tide_fail_field(e, "", "the body must be an object");
    json_object_foreach((json_t *)body, key, value)
    {
        if (strcmp(key, "name") != 0 && strcmp(key, "scopes") != 0 &&
            strcmp(key, "expires_ns") != 0)
            return tide_fail_field(e, key, "unknown; allowed are name, scopes, expires_ns");
    }
    const json_t *wanted = json_object_get(body, "scopes");
    enum tide_rc rc = check_name(json_object_get(body, "name"), e);
    if (!rc) rc = check_scopes(wanted, e);
    if (!rc) rc = check_expiry(json_object_get(body, "expires_ns"), &row->expires_ns, e);
    if (rc) return rc;
    *list = json_dumps(wanted, JSON_COMPACT);
    row->name = json_string_value(json_object_get(body, "name"));
    row->scopes = *list;
    return *list ? TIDE_OK : tide_fail(e, TIDE_NOMEM, "make a token");
}

static enum tide_rc draw(char text[TIDE_DIGEST_TEXT], struct tide_error *e)
{
    unsigned char bytes[32];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return tide_fail_errno(e, "draw a random token");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return TIDE_OK;
}

static enum tide_rc make_token(struct tide_request *r, struct tide_token_row *row,
                               struct tide_error *e)
{
    char text[TIDE_DIGEST_TEXT], hash[TIDE_DIGEST_TEXT];
    enum tide_rc rc = draw(text, e);
    if (rc) return rc;
    tide_digest_sha256(text, strlen(text), hash);
    row->hash = hash;
    rc = tide_store_put_token(r->http->config.store, row, e);
    if (!rc) rc = tide_tokens_reload(r->http->tokens, e);
    if (!rc) rc = tide_store_token_json(r->http->config.store, row->id, &r->answer, e);
    if (!rc) tide_answer_member(r, "token", json_string(text));
    return rc;
}

void tide_post_tokens(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {NULL};
    struct tide_token_row row = {0};
    struct tide_error e;
    char *list = NULL;
    (void)id;
    (void)name;
    json_t *body = tide_query_known(r, known) ? tide_read_body(r) : NULL;
    if (!body) return;
    enum tide_rc rc = read_wish(body, &row, &list, &e);
    if (!rc && r->http->tokens->n >= TOKENS_MAX)
        rc = tide_fail_field(&e, "name", "there are %d tokens: remove one first", TOKENS_MAX);
    if (!rc) rc = make_token(r, &row, &e);
    if (rc) tide_answer_error(r, &e);
    free(list);
    json_decref(body);
    if (rc) return;
    r->status = MHD_HTTP_CREATED;
    snprintf(r->location, sizeof r->location, "/api/v1/tokens/%lld", (long long)row.id);
}

void tide_delete_token(struct tide_request *r, int64_t id, const char *name)
{
    static const char *const known[] = {NULL};
    struct tide_error e;
    (void)name;
    if (!tide_query_known(r, known)) return;
    enum tide_rc rc = tide_store_remove_token(r->http->config.store, id, &e);
    if (rc == TIDE_BUSY) {
        tide_answer_problem(r, MHD_HTTP_CONFLICT, "in-use", "The token is in use", NULL, e.text);
        return;
    }
    if (!rc) rc = tide_tokens_reload(r->http->tokens, &e);
    if (rc)
        tide_answer_error(r, &e);
    else
        r->status = MHD_HTTP_NO_CONTENT;
}
