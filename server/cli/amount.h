/* amount.h - values of a metric as people read them: 12.3 MiB, 450 ms, 1.02. */
#ifndef TIDE_AMOUNT_H
#define TIDE_AMOUNT_H

#include <jansson.h>
#include <stddef.h>

/* `value` in the unit of a metric (GET /api/v1/metrics), with its sign when `sign` is not 0. A
 * value that is no number gives "-". Returns `out`. */
const char *tide_amount(char *out, size_t room, const char *unit, const json_t *value, int sign);
/* The same of a number that is in no JSON. */
const char *tide_amount_of(char *out, size_t room, const char *unit, double value, int sign);

#endif
