/* answers.h - answers to requests that carry an Idempotency-Key, for 24 hours: what is asked again
 * with the same key is answered the same, and done once, also when the daemon was killed between.
 *
 * A key is claimed before its request is executed. What the executing thread commits marks the key
 * in the same transaction, so that after a kill it is known whether the request had taken effect:
 * where it had not, the claim is forgotten at the next start and the request may come again. */
#ifndef TIDE_STORE_ANSWERS_H
#define TIDE_STORE_ANSWERS_H

#include "store/store.h"

enum tide_claim {
    TIDE_CLAIM_NEW,     /* execute it, then keep or drop */
    TIDE_CLAIM_DONE,    /* answer with what is kept */
    TIDE_CLAIM_QUEUED,  /* it queued *batch, and the answer was lost: answer with the batch */
    TIDE_CLAIM_WORKING, /* another thread executes it, or its answer was lost */
    TIDE_CLAIM_OTHER,   /* the key was used for another request */
};

struct tide_kept_answer { /* texts are owned, tide_kept_clear frees them */
    int status;
    char *type, *location, *body;
    size_t size; /* of the body */
    int64_t batch;
};
void tide_kept_clear(struct tide_kept_answer *a);

/* Claim `key` for the request that `request`, a hash, names. `runs`: it queues runs, which are all
 * that it takes effect by. After NEW, what this thread commits belongs to the key, until it is kept
 * or dropped. */
TIDE_CHECK enum tide_rc tide_store_claim_answer(struct tide_store *s, const char *key,
                                                const char *request, bool runs,
                                                enum tide_claim *claim,
                                                struct tide_kept_answer *out, struct tide_error *e);
/* Its answer, or (drop) that it came to nothing; ends the claim of this thread. */
TIDE_CHECK enum tide_rc tide_store_keep_answer(struct tide_store *s, const char *key,
                                               const struct tide_kept_answer *a,
                                               struct tide_error *e);
TIDE_CHECK enum tide_rc tide_store_drop_answer(struct tide_store *s, const char *key,
                                               struct tide_error *e);

#endif
