/* attribution.h - what the difference of two runs' tide marks is made of: which functions, phases
 * and iterations took more, and both curves side by side (docs/API.md, GET
 * /api/v1/compare/attribution).
 *
 * A tide mark is the sum of all that came and went before it. Each change of RSS up to the instant
 * of the tide mark is counted for the function that ran when it happened, for the phase and for the
 * iteration, so that the parts of either kind add up to the tide mark; what no function can be
 * named for (the interpreter before the scenario began, a peak that is only known to lie in a
 * phase) is the part not attributed.
 *
 * Threads: any. Blocks on the store; costs reading both runs twice. */
#ifndef TIDE_RUN_ATTRIBUTION_H
#define TIDE_RUN_ATTRIBUTION_H

#include "store/store.h"

#include <jansson.h>

/* *out is a new object in the shape of docs/API.md. ABSENT: no such run, or one without events. */
TIDE_CHECK enum tide_rc tide_attribute(struct tide_store *s, int64_t base_run, int64_t head_run,
                                       json_t **out, struct tide_error *e);

#endif
