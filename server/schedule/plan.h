/* plan.h - what a request for runs would do, told before anything starts.
 *
 * Threads: any. Blocks on git, the compiler's version and the store; nothing is written. */
#ifndef TIDE_SCHEDULE_PLAN_H
#define TIDE_SCHEDULE_PLAN_H

#include "build/builder.h"
#include "schedule/catalog.h"

/* Append the plan (docs/API.md, POST /api/v1/runs?dry_run=true) of `request`, with up to `jobs`
 * builds side by side. INVALID as for tide_trigger. */
TIDE_CHECK enum tide_rc tide_plan(const struct tide_catalog *c, struct tide_store *store,
                                  const struct tide_builder *builder, int jobs,
                                  const json_t *request, struct tide_str *out,
                                  struct tide_error *e);

#endif
