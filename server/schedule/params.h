/* params.h - the parameters of a scenario: given ones checked against its description, the rest
 * from its defaults.
 *
 * Threads: any; nothing blocks. */
#ifndef TIDE_SCHEDULE_PARAMS_H
#define TIDE_SCHEDULE_PARAMS_H

#include "base/error.h"

#include <jansson.h>
#include <stdbool.h>

/* Whether every parameter in `given` (may be NULL) is one of the n scenarios, described by the
 * harness: each takes those that it knows. INVALID names "params.NAME" and what there is. */
TIDE_CHECK enum tide_rc tide_params_known(const json_t *const *scenarios, size_t n,
                                          const json_t *given, struct tide_error *e);

/* *out: canonical JSON (keys sorted, no spaces) of every parameter of `scenario` (a description by
 * the harness), freed by the caller. `given` may be NULL, and hold others'; `demo` takes demo
 * values as defaults. INVALID names "params.NAME" and what is allowed. */
TIDE_CHECK enum tide_rc tide_params_complete(const json_t *scenario, const json_t *given, bool demo,
                                             char **out, struct tide_error *e);

#endif
