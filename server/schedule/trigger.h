/* trigger.h - a request for runs, checked in full and turned into a batch.
 *
 * One door for everything that starts work: REST and the demo suite hand the same JSON in.
 * Threads: any. Blocks on git and the store. */
#ifndef TIDE_SCHEDULE_TRIGGER_H
#define TIDE_SCHEDULE_TRIGGER_H

#include "schedule/catalog.h"

/* Check `request` (docs/API.md, POST /api/v1/runs) and queue it; `cause` (may be NULL) is settled
 * with it. INVALID names the field in e->field and nothing is left behind; e->text says what is
 * allowed. */
TIDE_CHECK enum tide_rc tide_trigger(const struct tide_catalog *c, struct tide_store *store,
                                     const json_t *request, const struct tide_cause *cause,
                                     int64_t *batch, struct tide_error *e);

#endif
