/* tokens.h - who may do what: the tokens of the store, held in memory so that a request is judged
 * on the connections' thread without asking the database.
 *
 * Threads: any may call. */
#ifndef TIDE_HTTP_TOKENS_H
#define TIDE_HTTP_TOKENS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct tide_store;
struct tide_tokens;

/* Read them all; `own` is the text of DATA/token, which is allowed everything. The caller owns
 * *out. */
TIDE_CHECK enum tide_rc tide_tokens_open(struct tide_store *store, const char *own,
                                         struct tide_tokens **out, struct tide_error *e);
void tide_tokens_free(struct tide_tokens *t); /* NULL is a no-op */
/* Read them again, after one came or went. */
TIDE_CHECK enum tide_rc tide_tokens_reload(struct tide_tokens *t, struct tide_error *e);

struct tide_permit {
    int64_t id;         /* 0: there is no such token */
    unsigned scopes;    /* bits of TIDE_SCOPE */
    int64_t expires_ns; /* -1: never */
    bool expired;
};
/* What the bearer of the token `text` may do. Notes that it was used. */
struct tide_permit tide_tokens_judge(struct tide_tokens *t, const char *text);

/* Write down, to the hour, which were used since; for a thread that may wait. */
void tide_tokens_note(struct tide_tokens *t);

/* "read" of TIDE_SCOPE_READ, and so on; "" of 0. */
const char *tide_scope_name(unsigned scope);
/* The reverse; 0 when there is none of this name. */
unsigned tide_scope_bit(const char *name);

#endif
