/* notifier.h - webhooks that the daemon sends: written down, signed, sent, tried again.
 *
 * The body is JSON, {"event", "project", ...}. It is signed as Standard Webhooks has it
 * (github.com/standard-webhooks): the headers webhook-id, webhook-timestamp (seconds since the Unix
 * epoch) and webhook-signature: v1,BASE64 of HMAC-SHA-256, keyed by the target's secret, of
 * "ID.TIMESTAMP.BODY". An answer of 2xx delivers it. Otherwise it is tried again after 30 s, 1 min,
 * 2 min ... at most 6 h, ATTEMPTS times in all; then it is a dead letter, which is kept and can be
 * sent again by hand. */
#ifndef TIDE_SCHEDULE_NOTIFIER_H
#define TIDE_SCHEDULE_NOTIFIER_H

#include "store/store.h"

#define TIDE_NOTIFIER_ATTEMPTS 12

struct tide_notifier;

/* Start the thread that sends. `store` is borrowed and outlives it. */
TIDE_CHECK enum tide_rc tide_notifier_start(struct tide_store *store, struct tide_notifier **out,
                                            struct tide_error *e);
void tide_notifier_wake(struct tide_notifier *n); /* look now; NULL is a no-op. Threads: any. */
void tide_notifier_stop(struct tide_notifier *n); /* NULL is a no-op */

#endif
