/* demo.h - the demo suite: what a first look at a project measures, whoever asks for it.
 *
 * Threads: any. Blocks on git. */
#ifndef TIDE_SCHEDULE_DEMO_H
#define TIDE_SCHEDULE_DEMO_H

#include "schedule/catalog.h"

/* The request for it, a new reference: list_bytes at demo size, at the newest and the oldest commit
 * that touched the extension, on every usable python. NULL with *e filled when it cannot be made.
 */
json_t *tide_demo_request(const struct tide_catalog *c, struct tide_error *e);

/* *out: the request that `request` means, a new reference: the demo suite for {"demo": true}, which
 * has no other field, else `request` itself. */
TIDE_CHECK enum tide_rc tide_demo_expand(const struct tide_catalog *c, const json_t *request,
                                         json_t **out, struct tide_error *e);

#endif
