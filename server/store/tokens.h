/* tokens.h - rows of tokens: what may be done over HTTP by whom. The tokens themselves are not
 * kept, only their SHA-256 (base/digest.h). */
#ifndef TIDE_STORE_TOKENS_H
#define TIDE_STORE_TOKENS_H

#include "store/store.h"

struct tide_token_row { /* texts are borrowed */
    int64_t id;         /* set by the store */
    const char *name, *hash;
    const char *scopes; /* JSON, list of texts */
    int64_t expires_ns; /* -1: never */
    int64_t used_ns;    /* -1: never */
};

/* INVALID with the field `name` when another token has this name. */
TIDE_CHECK enum tide_rc tide_store_put_token(struct tide_store *s, struct tide_token_row *t,
                                             struct tide_error *e);
/* Make the token with this hash, of the scope admin, the one of the data folder; another that was
 * it is gone. */
TIDE_CHECK enum tide_rc tide_store_own_token(struct tide_store *s, const char *hash,
                                             struct tide_error *e);
/* ABSENT: there is none. BUSY: it is the one of the data folder. */
TIDE_CHECK enum tide_rc tide_store_remove_token(struct tide_store *s, int64_t id,
                                                struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_token_used(struct tide_store *s, int64_t id, int64_t used_ns,
                                              struct tide_error *e);

/* Called with each row; a return other than OK ends the walk and is returned. */
typedef enum tide_rc tide_token_fn(void *context, const struct tide_token_row *t,
                                   struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_tokens(struct tide_store *s, tide_token_fn *each, void *context,
                                          struct tide_error *e);

TIDE_CHECK enum tide_rc tide_store_tokens_json(struct tide_store *s, const struct tide_page *page,
                                               struct tide_str *out, struct tide_error *e);
/* One of them. ABSENT: there is none. */
TIDE_CHECK enum tide_rc tide_store_token_json(struct tide_store *s, int64_t id,
                                              struct tide_str *out, struct tide_error *e);

#endif
