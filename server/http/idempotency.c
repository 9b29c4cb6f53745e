/* idempotency.c - POST with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): asked
 * again with the same key within 24 hours, a request that succeeded is answered as before and not
 * executed again. A key belongs to the token that came with it. Requests that are refused leave no
 * trace. Of an answer that tells a secret only the place of what was made is kept: nothing of it
 * may stand in the database, so that it cannot be told again. */
#include "http/internal.h"

#include "base/digest.h"
#include "base/log.h"
#include "store/answers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 200

static bool check_key(struct tide_request *r, const char *key)
{
    size_t n = strlen(key);
    bool printable = true;
    for (size_t i = 0; i < n; i++)
        printable = printable && key[i] > ' ' && key[i] < 127;
    if (n && n <= KEY_MAX && printable) return true;
    tide_answer_problem(r, MHD_HTTP_BAD_REQUEST, "malformed-request", "The key is not allowed",
                        "Idempotency-Key",
                        "it must have 1 to 200 printable characters without spaces");
    return false;
}

static bool tells_secret(const struct tide_request *r)
{
    return !strcmp(r->route->path, "/api/v1/tokens");
}

static void hash_request(const struct tide_request *r, char out[TIDE_DIGEST_TEXT])
{
    struct tide_str text = {.ceiling = r->body.ceiling + 65536};
    tide_str_printf(&text, "%s %s\n", r->method, r->uri ? r->uri : r->path);
    tide_str_add(&text, r->body.at ? r->body.at : "", r->body.length);
    tide_digest_sha256(text.at ? text.at : "", text.length, out);
    tide_str_free(&text);
}

static void answer_kept(struct tide_request *r, const struct tide_kept_answer *kept)
{
    r->status = (unsigned)kept->status;
    r->type =
        strcmp(kept->type, "application/json") ? "application/octet-stream" : "application/json";
    snprintf(r->location, sizeof r->location, "%s", kept->location);
    tide_str_add(&r->answer, kept->body, kept->size);
}

static void answer_queued(struct tide_request *r, int64_t batch)
{
    struct tide_error e;
    if (tide_store_batch_json(r->http->config.store, batch, &r->answer, &e)) {
        tide_answer_error(r, &e);
        return;
    }
    r->status = MHD_HTTP_ACCEPTED;
    snprintf(r->location, sizeof r->location, "/api/v1/batches/%lld", (long long)batch);
}

static void answer_told_once(struct tide_request *r, const struct tide_kept_answer *kept)
{
    char detail[200];
    snprintf(detail, sizeof detail,
             "%s was made by the request with this key, and its text was told then: DELETE it and "
             "ask with a new key where that did not arrive",
             kept->location);
    tide_answer_problem(r, MHD_HTTP_CONFLICT, "told-once", "The secret was told once",
                        "Idempotency-Key", detail);
}

static void answer_claimed(struct tide_request *r, enum tide_claim claim,
                           const struct tide_kept_answer *kept)
{
    if (claim == TIDE_CLAIM_DONE && tells_secret(r))
        answer_told_once(r, kept);
    else if (claim == TIDE_CLAIM_DONE)
        answer_kept(r, kept);
    else if (claim == TIDE_CLAIM_QUEUED)
        answer_queued(r, kept->batch);
    else if (claim == TIDE_CLAIM_OTHER)
        tide_answer_problem(r, 422, "key-reused", "The key was used for another request",
                            "Idempotency-Key", "draw a new key for a new request");
    else
        tide_answer_problem(r, MHD_HTTP_CONFLICT, "key-in-use", "The key is in use",
                            "Idempotency-Key",
                            "a request with this key is being executed, or its answer was lost");
}

/* What came of it is kept, or forgotten where it was refused. */
static void end_claim(struct tide_request *r, const char *key)
{
    struct tide_error e;
    struct tide_store *store = r->http->config.store;
    const struct tide_kept_answer answer = {
        .status = (int)r->status,
        .type = (char *)(uintptr_t)r->type,
        .location = r->location,
        .body = tells_secret(r) ? NULL : r->answer.at,
        .size = tells_secret(r) ? 0 : r->answer.length,
    };
    bool good = r->status >= 200 && r->status < 300;
    enum tide_rc rc = good ? tide_store_keep_answer(store, key, &answer, &e)
                           : tide_store_drop_answer(store, key, &e);
    if (rc) tide_log(TIDE_LOG_ERROR, "http", "keep an answer: %s", e.text);
}

void tide_idempotent(struct tide_request *r)
{
    char request[TIDE_DIGEST_TEXT], key[KEY_MAX + 32];
    struct tide_kept_answer kept;
    struct tide_error e;
    enum tide_claim claim;
    const char *given =
        strcmp(r->method, "POST") != 0
            ? NULL
            : MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, "Idempotency-Key");
    if (!given) {
        r->route->handler(r, r->id, r->name);
        return;
    }
    if (!check_key(r, given)) return;
    hash_request(r, request);
    snprintf(key, sizeof key, "%lld %s", (long long)r->token, given);
    bool runs = !strcmp(r->route->path, "/api/v1/runs");
    if (tide_store_claim_answer(r->http->config.store, key, request, runs, &claim, &kept, &e)) {
        tide_answer_error(r, &e);
        return;
    }
    if (claim == TIDE_CLAIM_NEW) {
        r->route->handler(r, r->id, r->name);
        end_claim(r, key);
    } else
        answer_claimed(r, claim, &kept);
    tide_kept_clear(&kept);
}
